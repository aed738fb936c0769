// On every page of somebody who takes part: forget the videos in this browser that they will not send any more, and those
// of other people. Knows which recordings of theirs are unfinished, from the page.

import { forgetAllBut } from "./held.js";

forgetAllBut(JSON.parse(document.querySelector("[data-unfinished]").dataset.unfinished));
