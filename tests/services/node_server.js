// A receiver and an egress proxy of the tests: prints its port, then serves until it is ended.
'use strict';
const { createHash } = require('node:crypto');
const http = require('node:http');
const net = require('node:net');

const server = http.createServer((request, response) => {
  const digest = createHash('sha256');
  if (request.url === '/early') {
    response.writeProcessing();
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
  }
  request.on('data', (part) => { digest.update(part); });
  request.on('end', () => {
    // Written in two parts without a length, so Node sends it in chunks.
    response.write(`${request.socket.remotePort} `);
    response.end(`${digest.digest('hex')} ${request.headers['webhook-id']}`);
  });
});

// A tunnel to the port that was asked for, whatever the address: everything is on this machine.
server.on('connect', (request, client, head) => {
  if (request.headers['proxy-authorization'] === undefined) {
    client.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  const other = net.connect(Number(request.url.split(':').pop()), '127.0.0.1', () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    other.write(head);
    other.pipe(client);
    client.pipe(other);
  });
  other.on('error', () => client.destroy());
  client.on('error', () => other.destroy());
});

server.listen(0, '127.0.0.1', () => { console.log(server.address().port); });
