// Run what a page's scripts offer outside a browser: `run_page.mjs PAGE`, with a JSON of `expression`
// and `given` on standard input; prints the expression's value, or what its promise comes to.
import fs from "node:fs";
import vm from "node:vm";

const page = fs.readFileSync(process.argv[2], "utf8");
const scripts = [...page.matchAll(/<script>\n([^]*?)<\/script>/g)].map((found) => found[1]);
for (const script of scripts.slice(0, -1)) vm.runInThisContext(script); // the last one starts it all
const data = JSON.parse(page.match(/id="data">([^]*?)<\/script>/)[1]);
const { expression, given } = JSON.parse(fs.readFileSync(0, "utf8"));
const value = vm.runInThisContext(`(async (data, given) => (${expression}))`)(data, given);
process.stdout.write(JSON.stringify(await value));
