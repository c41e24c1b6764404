/** The library's client for WebSockets (RFC 6455). A file of its own, so that only a ws or wss poll loads it. */
export { default as Client } from 'ws';
