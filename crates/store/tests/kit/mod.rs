//! What the store's tests and its benchmark share.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod tables;
pub mod transfer;
