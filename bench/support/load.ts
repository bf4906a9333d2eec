// Puts load on one URL and prints autocannon's figures as JSON. A process of its own, so that its work is not counted.
import autocannon from 'autocannon';

const { URL: url = '', BODY = '', SECONDS = '3', CONNECTIONS = '32', RATE, TOKEN = '' } = process.env;
const result = await autocannon({
  url,
  method: 'POST',
  body: BODY,
  duration: Number(SECONDS),
  connections: Number(CONNECTIONS),
  ...(RATE !== undefined && { overallRate: Number(RATE) }),
  headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
});
const { latency, requests } = result;
process.stdout.write(
  JSON.stringify({
    requests: requests.total,
    perSecond: requests.total / result.duration,
    p50: latency.p50,
    p99: latency.p99,
    failed: result.non2xx + result.errors + result.timeouts,
  }),
);
