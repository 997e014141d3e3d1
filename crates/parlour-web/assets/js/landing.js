// @ts-check
/** Pages that only show things: times in the viewer's zone, and how much is left. */
import { start } from "./times.js";

start();
