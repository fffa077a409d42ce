/** The one importing file of zod: how data from files (configuration, remembered keys) is checked before it is used. */

export { z } from "zod";
