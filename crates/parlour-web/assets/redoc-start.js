// @ts-check
"use strict";
// The page's own script: no inline script is allowed by its policy.
// @ts-ignore - the bundle before this one defines it
Redoc.init("/api/v1/schema/?format=json", { hideDownloadButton: false }, document.getElementById("redoc"));
