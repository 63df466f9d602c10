//! Rates and leases that are kept per principal.
