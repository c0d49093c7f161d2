//! The capture is the witness to what the mail log claims.
#![forbid(unsafe_code)]

pub mod capture;
pub mod cite;
pub mod input;
pub mod maillog;
pub mod net;
pub mod smtp;
pub mod text;
pub mod time;
