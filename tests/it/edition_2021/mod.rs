//! What API 2021-12-06 asks of the gateway beyond states: dangers, ids, names that two versions share.

mod dangers;
mod exposure;
mod ids;
mod names;
mod standing;
mod third;
