// A person at a browser: steps come as JSON on standard input, what was seen goes out as JSON.
//   {"steps": [{"goto": URL}, {"fill": [SELECTOR, TEXT]}, {"click": SELECTOR}, {"await": REGEX}, {"shot": FILE}],
//    "maps": {"HOST:PORT": "HOST2:PORT2"}}
import { chromium } from 'playwright-core';

let input = '';
for await (const piece of process.stdin) input += piece;
const { steps, maps } = JSON.parse(input);
const rules = Object.entries(maps || {}).map(([from, to]) => `MAP ${from} ${to}`).join(', ');

const browser = await chromium.launch({
  executablePath: '/usr/lib/chromium/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', `--host-resolver-rules=${rules}`],
});
const page = await (await browser.newContext()).newPage();
const seen = [];
page.on('request', request => seen.push(request.url()));
page.setDefaultTimeout(20000);

const act = {
  goto: url => page.goto(url),
  fill: ([where, text]) => page.fill(where, text),
  click: where => page.click(where),
  await: pattern => page.waitForURL(new RegExp(pattern), { waitUntil: 'commit' }),
  shot: file => page.screenshot({ path: file }),
};
let failed = null;
for (const step of steps) {
  const [verb, what] = Object.entries(step)[0];
  try {
    await act[verb](what);
  } catch (error) {
    failed = `${verb} ${what}: ${error.message.split('\n')[0]}`;
    break;
  }
}
await page.waitForLoadState('load').catch(() => {});
console.log(JSON.stringify({
  failed, url: page.url(), title: await page.title().catch(() => ''),
  text: await page.innerText('body').catch(() => ''), seen,
}));
await browser.close();
