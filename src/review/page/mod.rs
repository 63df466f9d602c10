//! A review as one page, for whoever answers for what was done to callers.

mod answer;
mod cells;
mod days;
mod done;
mod provenance;
mod whom;

use super::Review;
use crate::page::markup::Markup;
use crate::page::{Run, document};

/// The page: an HTML document, well-formed as XML, that stands alone.
#[must_use]
pub fn page(review: &Review, run: &Run) -> String {
    let mut page = Markup::default();
    answer::write(&mut page, review, run);
    whom::spared(&mut page, review);
    whom::grades(&mut page, review);
    days::figures(&mut page, review);
    done::measures(&mut page, review);
    done::times(&mut page, review);
    done::ways(&mut page, review);
    provenance::notes(&mut page, review);
    provenance::read(&mut page, review, run);
    days::numbers(&mut page, review);
    document("What an audit tells", &page)
}
