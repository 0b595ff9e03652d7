//! Emits what the derives expand to, a module for each derive.

pub(crate) mod element;
pub(crate) mod export;
