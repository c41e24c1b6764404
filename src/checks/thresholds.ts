/** From this share of shared memory in use on, in percent, Kamailio soon finds none for the next transaction. */
export const SHARED_MEMORY_PERCENT = 90;

/** From this many days before its expiry on, a TLS certificate is told. */
export const CERTIFICATE_DAYS = 14;
