<?php
// A receiver of relay's webhooks with PHP only (8.1 or newer, with PDO for SQLite), no packages.
//
//     WEBHOOK_SECRET=whsec_... CALLS_DB=calls.db php -S 127.0.0.1:8099 receiver.php
//
// PHP's own server is for trying it out; behind nginx or Apache the same file works as it is.

declare(strict_types=1);

const TOLERANCE_S = 300;
const LARGEST_BODY = 1048576;

const TABLES = <<<SQL
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS records
    (subject TEXT PRIMARY KEY, revision INTEGER NOT NULL, absorbed_into TEXT, data TEXT NOT NULL);
SQL;

const UPSERT = <<<SQL
INSERT INTO records (subject, revision, absorbed_into, data) VALUES (?, ?, ?, ?)
ON CONFLICT (subject) DO UPDATE SET
    revision = excluded.revision, absorbed_into = excluded.absorbed_into, data = excluded.data
    WHERE excluded.revision > records.revision
SQL;

// Whoever sent this knows the secret, and sent it within the last five minutes.
function is_genuine(string $key, string $body): bool
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $sent_at = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!ctype_digit($sent_at) || abs(time() - (int) $sent_at) > TOLERANCE_S) {
        return false;
    }
    $wanted = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$sent_at.$body", $key, true));
    // Several signatures stand side by side while a secret is replaced; any one will do.
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $given) {
        if (hash_equals($wanted, $given)) {
            return true;
        }
    }
    return false;
}

// Keep an event unless it was taken before; the mark and the record are one transaction.
function take(PDO $database, object $event): void
{
    $database->beginTransaction();
    $mark = $database->prepare('INSERT OR IGNORE INTO seen VALUES (?)');
    $mark->execute([$event->id]);
    if ($mark->rowCount() === 1) {
        $data = $event->data;
        // Two calls proved to be one (call.merged): this one ends, the other stands for both.
        $absorbed_into = $data->absorbed_into ?? null;
        $record = [$event->subject, $data->revision, $absorbed_into, json_encode($data, JSON_THROW_ON_ERROR)];
        $database->prepare(UPSERT)->execute($record);
    }
    $database->commit();
}

function open_database(): PDO
{
    $database = new PDO('sqlite:' . (getenv('CALLS_DB') ?: 'calls.db'));
    $database->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    $database->exec('PRAGMA busy_timeout = 5000');
    $database->exec(TABLES);
    return $database;
}

// Verify, keep, answer; slow work belongs behind the answer. An error becomes a 500, and relay sends it again.
function status_of_request(): int
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return 405;
    }
    // The bytes as they came: a parsed and written body has another signature.
    $body = file_get_contents('php://input', false, null, 0, LARGEST_BODY + 1);
    if (strlen($body) > LARGEST_BODY) {
        return 413;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', (string) getenv('WEBHOOK_SECRET')), true);
    if ($key === false || strlen($key) < 16) {
        throw new RuntimeException('WEBHOOK_SECRET is not set');
    }
    if (!is_genuine($key, $body)) {
        return 401;
    }
    take(open_database(), json_decode($body, false, 512, JSON_THROW_ON_ERROR));
    return 204;
}

ini_set('display_errors', '0'); // with them an uncaught error would be answered with 200
http_response_code(status_of_request());
