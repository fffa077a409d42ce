/** Run by `npm run build`; not part of the program. */

import { manPage } from "./man-page.ts";

process.stdout.write(manPage());
