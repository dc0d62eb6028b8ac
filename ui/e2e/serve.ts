/** Serves the built pages over the made-up world until it is stopped. */
import { startSite } from "./support.ts";

const site = await startSite();
console.log(site.url);
