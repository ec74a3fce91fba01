//! Faults: what a mutant changes between host and engine, at a port, or around the server.

mod audit_sink;
mod buckets;
mod context;
pub(crate) mod fault;
mod issuers;
pub(crate) mod request_change;
pub(crate) mod request_fault;
mod xml_change;

pub(crate) use self::audit_sink::FaultyAuditSink;
pub(crate) use self::buckets::FaultyBuckets;
pub(crate) use self::issuers::FaultyIssuers;
