// With this build of uWebSockets soketi's CORS headers go out before the status line, and every error as status 200.
const { HttpHandler } = require('@soketi/soketi/dist/http-handler');

HttpHandler.prototype.corsMiddleware = (response, next) => next(null, response);
