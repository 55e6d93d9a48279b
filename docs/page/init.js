// Starts Swagger UI. In a file of its own, because the page's
// Content-Security-Policy allows no script inside the page.
window.addEventListener('load', function () {
  'use strict';
  window.SwaggerUIBundle({
    url: './openapi.json',
    dom_id: '#swagger-ui',
    deepLinking: true,
    displayRequestDuration: true,
    // The default would send the description to a foreign server.
    validatorUrl: null,
    presets: [window.SwaggerUIBundle.presets.apis],
  });
});
