//! Figures of the page.

mod effects;
mod histogram;
mod quantiles;

pub(super) use effects::effects;
pub(super) use histogram::histogram;
pub(super) use quantiles::{Plotted, plotted, quantiles};
