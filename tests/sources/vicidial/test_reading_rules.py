"""
The rules by which an answer is read, each with an answer that shows it.
"""

from __future__ import annotations

import json
from typing import Final

import pytest

from relay.sources.vicidial.wire import MAX_REJECTED, MOST_DETAILS, MOST_MESSAGES, read_answer

ROW: Final = "READY||0|TESTCAMP|3|Alice Adams|AGENTS|1|LOGIN||||8600051\n"
AGENT: Final = "1001|TESTCAMP|8600051|READY|0||3|Alice Adams|AGENTS|1||\n"
OTHER: Final = "1002|TESTCAMP|8600052|INCALL|101|V1210306580000000101|12|Bob Baker|AGENTS|1||DEAD\n"
WARNING: Final = (
    "<br />\n<b>Warning</b>:  Undefined variable $x in <b>/srv/a.php</b> on line <b>83</b><br />\n"
)
PAGE: Final = (
    "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>\n"
)
NOBODY: Final = "ERROR: logged_in_agents NO LOGGED IN AGENTS: apiuser|\n"
TEXTS: Final = [
    ("agent_status", "ERROR: Login incorrect, please try again: |u|p|2FA|", "auth"),
    ("agent_status", "ERROR: agent_status USER DOES NOT HAVE PERMISSION TO GET AGENT INFO: |u|0|", "denied"),
    ("agent_status", "ERROR: agent_status USER DOES NOT HAVE PERMISSION TO GET DID INFO - 66|0", "denied"),
    ("agent_status", "ERROR: agent_status AGENT NOT LOGGED IN - 6666||", "logged_out"),
    ("logged_in_agents", NOBODY.strip(), "empty"),
    ("callid_info", "ERROR: callid_info CALL LOG NOT FOUND: u|", "not_found"),
    ("phone_number_log", "ERROR: phone_number_log NO RECORDS FOUND - 1255|3125551212|2010-12-03", "empty"),
    ("recording_lookup", "ERROR: recording_lookup NO RECORDINGS FOUND - u|1003|||", "empty"),
    ("agent_stats_export", "ERROR: agent_stats_export NO RECORDS FOUND - u||2010-12-03 00:00:00|", "empty"),
    ("sounds_list", "ERROR: audio store web directory does not exist: |u|sounds_list|/srv|", "server_fault"),
    ("moh_list", "ERROR: moh_list CENTRAL SOUND CONTROL IS NOT ACTIVE", "denied"),
    ("add_lead", "ERROR: add_lead NOT AN ALLOWED LIST ID - 7275551212|98762", "denied"),
    ("add_lead", "ERROR: add_lead DUPLICATE PHONE NUMBER IN SYSTEM - 7275551111|101", "bad_argument"),
    ("add_user", "ERROR: add_user USER GROUP DOES NOT EXIST - 6666|ADFHR", "not_found"),
    ("add_user", "ERROR: add_user USER ALREADY EXISTS - 6666|6666", "bad_argument"),
    ("update_user", "ERROR: update_user ACTIVE MUST BE Y OR N, THIS IS AN OPTIONAL FIELD", "bad_argument"),
    ("update_log_entry", "SUCCESS: update_log_entry RECORD HAS BEEN UPDATED - 6666|TESTCAMP|", "success"),
    ("agent_status", "MySQL connect ERROR:  Connection refused", "server_fault"),
    ("agent_status", "ERROR: agent_status SOMETHING NEW HAPPENED: |u|", "unknown"),
    ("add_lead", "NOTICE: add_lead SOMETHING NEW HAPPENED - u", "unknown"),
    ("add_lead", "SUCCESS: add_lead SOMETHING NEW - u", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "text", "verdict"), TEXTS)
@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
@pytest.mark.parametrize("http_status", [200, 500])
def test_a_text_has_its_verdict(function: str, text: str, verdict: str, end: str, http_status: int) -> None:
    read_as = read_answer(function, (text + end).encode(), http_status=http_status)

    broken = http_status == 500 and verdict == "unknown" and function == "agent_status"
    assert ("server_fault" if broken else verdict) == read_as.verdict


@pytest.mark.parametrize("text", [AGENT, NOBODY, "ERROR: logged_in_agents SOMETHING NEW: |u|\n"])
@pytest.mark.parametrize(
    ("http_status", "verdict"),
    [(301, "unknown"), (404, "unknown"), (502, "server_fault"), (503, "server_fault")],
)
def test_what_another_server_answers_says_nothing_of_agents(
    text: str, http_status: int, verdict: str
) -> None:
    read_as = read_answer("logged_in_agents", text.encode(), http_status=http_status)

    assert (verdict, ()) == (read_as.verdict, read_as.rows)


def test_a_refused_login_is_that_whatever_it_echoes() -> None:
    said = b"ERROR: Login incorrect, please try again: |u|p|ss|w|rd|2FA|0|0|\n"
    read_as = read_answer("logged_in_agents", said, secrets=("p|ss|w|rd", "u"))

    assert ("auth", ()) == (read_as.verdict, read_as.rejected)


def test_messages_are_bounded() -> None:
    body = "ERROR: add_lead SOMETHING NEW: " + "|" * 10_000 + "\n"
    read_as = read_answer("add_lead", (body * 1_000).encode())

    assert 2 * MOST_MESSAGES == len(read_as.messages)
    assert all(len(one.details) <= MOST_DETAILS for one in read_as.messages)
    assert "more messages" in read_as.rejected[-1].why


@pytest.mark.parametrize(
    ("lines", "verdict", "kinds"),
    [
        ("NOTICE: update_user USER RANKS HAVE BEEN UPDATED - 6|9\nERROR: update_user NO UPDATES DEFINED: |6|",
         "bad_argument", ["NOTICE", "ERROR"]),
        ("NOTICE: update_lead NO MATCHES FOUND IN THE SYSTEM: |6||\nSUCCESS: add_lead LEAD HAS BEEN ADDED",
         "success", ["NOTICE", "SUCCESS"]),
        ("SUCCESS: add_lead LEAD HAS BEEN ADDED - 7|9\nNOTICE: add_lead ADDED TO HOPPER - 7|4", "success",
         ["SUCCESS", "NOTICE"]),
        ("72755|1|work72|1|homeNOTICE: add_lead MULTI-ALT-PHONE NUMBERS LOADED - 2|3", "notice", ["NOTICE"]),
        ("ERROR: Invalid Source - x\nERROR: Invalid Source: |x|", "bad_argument", ["ERROR", "ERROR"]),
        ("SUCCESS: add_lead LEAD HAS BEEN ADDED - 7|9NOTICE: add_lead ADDED TO HOPPER - 7|4", "success",
         ["SUCCESS", "NOTICE"]),
    ],
)  # fmt: skip
def test_the_last_error_or_success_of_several_lines_decides(
    lines: str, verdict: str, kinds: list[str]
) -> None:
    read_as = read_answer("add_lead", f"{lines}\n".encode())

    assert (verdict, kinds) == (read_as.verdict, [message.kind for message in read_as.messages])


@pytest.mark.parametrize(
    ("separated", "details"),
    [
        (": |6666|0|", ("6666", "0")),
        (": 6666|0", ("6666", "0")),
        (" - 6666|0", ("6666", "0")),
        ("", ()),
        (": ||", ()),
    ],
)
def test_details_follow_each_separator(separated: str, details: tuple[str, ...]) -> None:
    read_as = read_answer("callid_info", f"ERROR: callid_info CALL NOT FOUND{separated}\n".encode())

    assert ("callid_info CALL NOT FOUND", details) == (read_as.messages[0].text, read_as.messages[0].details)


@pytest.mark.parametrize(
    ("function", "http_status", "verdict"),
    [
        ("update_lead", 200, "notice"),
        ("update_lead", 500, "server_fault"),
        ("lead_field_info", 200, "rows"),
        ("lead_field_info", 500, "server_fault"),
        ("logged_in_agents", 200, "server_fault"),
        ("agent_status", 200, "server_fault"),
        ("add_lead", 200, "server_fault"),
    ],
)
@pytest.mark.parametrize("noise", ["", WARNING])
def test_no_body_is_never_empty(function: str, http_status: int, verdict: str, noise: str) -> None:
    read_as = read_answer(function, noise.encode(), http_status=http_status)

    assert verdict == read_as.verdict


@pytest.mark.parametrize(
    ("function", "body", "http_status", "rows", "rejected"),
    [
        ("agent_status", WARNING * 3 + ROW + WARNING * 2, 200, 1, 0),
        ("agent_status", ROW.strip() + WARNING, 200, 1, 0),
        ("agent_status", f"PHP Warning:  Undefined variable $x in /srv/a.php on line 83\n{ROW}", 200, 1, 0),
        (
            "agent_status",
            ROW + "<b>Fatal error</b>:  Uncaught x in <b>/a</b> on line <b>1</b><br />\n",
            200,
            1,
            1,
        ),
        ("agent_status", PAGE, 502, 0, 1),
        ("agent_status", ROW + PAGE, 200, 0, 1),
        ("agent_status", ROW.strip(), 200, 0, 1),
        ("agent_status", ROW + ROW, 200, 0, 2),
        ("logged_in_agents", AGENT + OTHER, 200, 2, 0),
        ("logged_in_agents", AGENT + OTHER, 500, 2, 0),
        ("logged_in_agents", AGENT + OTHER + AGENT, 200, 2, 1),
        ("logged_in_agents", AGENT.strip() + OTHER, 200, 0, 1),
        ("logged_in_agents", AGENT + OTHER[:60], 200, 1, 1),
        ("logged_in_agents", AGENT + OTHER[:60], 500, 0, 1),
        ("logged_in_agents", AGENT + OTHER.replace("INCALL", "incall"), 200, 1, 1),
        ("logged_in_agents", AGENT + OTHER.replace("|101|", "|102|"), 200, 1, 1),
        ("logged_in_agents", AGENT + "NOTICE: " + OTHER, 200, 1, 1),
        ("logged_in_agents", "user|campaign_id|session_id|status\n", 200, 0, 1),
        ("no_such_function", "a|b\n", 200, 1, 0),
        ("version", "VERSION: 2.14-202|BUILD: 2507\n", 200, 0, 1),
    ],
)
def test_what_is_left_of_an_odd_answer(
    function: str, body: str, http_status: int, rows: int, rejected: int
) -> None:
    read_as = read_answer(function, body.encode(), http_status=http_status)

    assert (rows, rejected) == (len(read_as.rows), len(read_as.rejected))
    assert (rejected == 0) <= (read_as.verdict == "rows")
    assert (http_status < 500 or not rejected) or read_as.verdict == "server_fault"


@pytest.mark.parametrize(
    "body", [AGENT + NOBODY, NOBODY + AGENT, NOBODY.strip() + AGENT, NOBODY + "garbage\n"]
)
def test_nobody_is_logged_in_only_where_nothing_else_stands(body: str) -> None:
    read_as = read_answer("logged_in_agents", body.encode())

    assert "unknown" == read_as.verdict


def test_the_answer_to_another_question_is_not_empty() -> None:
    read_as = read_answer("in_group_status", NOBODY.encode())

    assert "unknown" == read_as.verdict


@pytest.mark.parametrize(
    ("name", "is_read"),
    [("Pipe|Name", True), ("A|B|C", True), ("Two\nLines", True), ("x" * 51, False), ("A|G|5", True),
     ("ERROR: what", True), ("a|b|c|d|e|f", False)],
)  # fmt: skip
def test_names_are_anchored_from_both_ends(name: str, is_read: bool) -> None:
    read_as = read_answer("logged_in_agents", (AGENT.replace("Alice Adams", name) + OTHER).encode())

    assert is_read == (not read_as.rejected)
    assert [name] * is_read == [row["full_name"] for row in read_as.rows if row["user"] == "1001"]


def test_what_can_be_read_in_two_ways_is_no_row() -> None:
    body = "PAUSED||0|TESTCAMP|9|A|1|1|1|||x|y|8600054\n"

    read_as = read_answer("agent_status", body.encode())

    assert ([], "unknown") == (list(read_as.rows), read_as.verdict)


@pytest.mark.parametrize(
    ("version", "fields", "is_read"),
    [(None, 8, True), (None, 9, True), ("2.14-96", 8, True), ("2.14-96", 9, False), ("2.14-202", 8, False),
     ("2.14-202", 9, True), ("2.14-150", 8, True), ("2.14-202", 10, False), ("2.14-300", 10, True)],
)  # fmt: skip
def test_the_version_decides_how_many_columns_there_are(
    version: str | None, fields: int, is_read: bool
) -> None:
    body = "|".join(["SALES", *("1" * (fields - 1))]) + "\n"

    read_as = read_answer("in_group_status", body.encode(), version=version)

    extra = [row.get("extra", []) for row in read_as.rows]
    assert [["1"] if fields > 9 else []] * is_read == extra


@pytest.mark.parametrize(
    ("function", "line", "hidden"),
    [
        ("agent_status", "ERROR: Login incorrect, please try again: |bob|pa|ss|BAD|", ("bob", "pa|", "|ss")),
        ("agent_status", "ERROR: Too many login attempts, try again in 15 minutes: |bob|LOCK|", ("bob",)),
        (
            "add_user",
            "SUCCESS: add_user USER HAS BEEN ADDED - 66|1000|pw3001|8|Testing Person|AGENTS",
            ("pw3001",),
        ),
        ("add_user", "ERROR: add_user YOU MUST USE ALL REQUIRED FIELDS: |66|1000|pw3001|||", ("pw3001",)),
        (
            "add_phone",
            "ERROR: add_phone YOU MUST USE ALL REQUIRED FIELDS: |66|e|d|v|l|pw1|||pw2|||",
            ("pw1", "pw2"),
        ),
        ("update_user", "ERROR: update_user YOU MUST USE A VALID PASSWORD: |66|1000|pw3001|", ("pw3001",)),
        ("sounds_list", '<html><a href="/x?user=bob&pass=pw3001&y=1">', ("bob", "pw3001")),
        ("agent_ingroup_info", "<html><input type=hidden name=pass value='pw3001'>", ("pw3001",)),
        (
            "agent_status",
            "SELECT x from vicidial_users where user='bob' and pass='pw3001';",
            ("bob", "pw3001"),
        ),
        (
            "add_list",
            '{"success":false,"message":"no","data":{"user":"bob","password":"12x4"}}',
            ("bob", "12x4"),
        ),
    ],
)
def test_what_the_server_echoes_is_hidden(function: str, line: str, hidden: tuple[str, ...]) -> None:
    read_as = read_answer(function, f"{line}\n".encode())

    shown = json.dumps([read_as.messages, read_as.rows, read_as.rejected, read_as.raw])
    assert [] == [one for one in hidden if one in shown]
    assert "[redacted]" in shown


@pytest.mark.parametrize("echo", ["p@ss:word!", "pssword", "p%40ss%3Aword%21"])
def test_our_password_is_hidden_in_each_spelling(echo: str) -> None:
    body = f"something {echo} odd\nERROR: x {echo} y - {echo}|{echo}\n".encode()

    read_as = read_answer("agent_status", body, secrets=("apiuser", "p@ss:word!"))

    shown = json.dumps([read_as.messages, read_as.rows, read_as.rejected, read_as.raw])
    assert echo not in shown


def test_a_short_secret_is_hidden_where_it_stands_alone() -> None:
    body = b"SUCCESS: add_lead LEAD HAS BEEN ADDED - 7275556666|101|166661|-5|6666\n"

    read_as = read_answer("add_lead", body, secrets=("6666", "add"))

    expected = ("7275556666", "101", "166661", "-5", "[redacted]")
    assert ("add_lead LEAD HAS BEEN ADDED", expected) == read_as.messages[0][1:]


def test_an_agent_named_like_our_user_stays_that_agent() -> None:
    read_as = read_answer("logged_in_agents", AGENT.encode(), secrets=("1001", "secret99"))

    assert ("rows", "1001") == (read_as.verdict, read_as.rows[0]["user"])


def test_a_long_garbled_answer_is_kept_in_part_only() -> None:
    read_as = read_answer("logged_in_agents", b"garbage\n" * 50_000)

    assert ("unknown", True) == (read_as.verdict, len(read_as.rejected) <= MAX_REJECTED + 1)
    assert "further lines" in read_as.rejected[-1].why


def test_each_line_is_decoded_for_itself() -> None:
    body = AGENT.replace("Alice", "José").encode() + OTHER.replace("Bob", "Núñez").encode("latin-1")

    read_as = read_answer("logged_in_agents", body)

    assert ["José Adams", "Núñez Baker"] == [row["full_name"] for row in read_as.rows]


def test_the_in_groups_of_an_agent_as_text_are_one_row() -> None:
    body = (
        "SUCCESS:  - 1001|text\nSELECTED INGROUPS:  SALES SUPPORT -\nOUTBOUND AUTODIAL: Y\n"
        "MANAGER OVERRIDE: N\nMANAGER: \n\n"
    )

    read_as = read_answer("agent_ingroup_info", body.encode())

    assert "rows" == read_as.verdict
    assert ("Y", "") == (read_as.rows[0]["outbound_autodial"], read_as.rows[0]["manager"])


def test_an_html_list_gives_its_lines() -> None:
    body = (
        "<HTML><head><title>NON-AGENT API</title><script>1 < 2</script></head>\n<body><table><tr><td>#</td>\n"
        '<td>FILENAME</td><td>DATE</td><td>SIZE</td></tr>\n<tr><td>1</td><td><a href="x">beep.wav</a></td>'
        "<td>2026-11-21</td><td>8044</td></tr>\n<tr><td>2</td><td>a</td></tr></table></body></html>\n"
    )

    read_as = read_answer("sounds_list", body.encode())

    first = {"number": "1", "filename": "beep.wav", "date": "2026-11-21", "size": "8044"}
    assert ("rows", [first, {"extra": ["2", "a"]}]) == (read_as.verdict, list(read_as.rows))
