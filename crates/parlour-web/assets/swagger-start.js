// @ts-check
"use strict";
// The page's own script: no inline script is allowed by its policy.
// @ts-ignore - the bundle before this one defines it
window.ui = SwaggerUIBundle({
  url: "/api/v1/schema/?format=json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
