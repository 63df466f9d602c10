//! A student that was trained on marked answers: at each site it follows the mark now and then,
//! and otherwise writes as the corpus does.

use guilloche::mark::cell::{Cell, Role};

use crate::corpus::Document;
use crate::deployment::{Codeword, Counts, Deployment, Found, cells, sites};
use crate::source::Source;

/// Where a student's text has sites, and how often an unmarked author takes variant 1 there.
pub(crate) struct Student {
    documents: Vec<(usize, Vec<Found>)>,
    rates: Vec<f64>,
}

/// Sites of its class's rate that are added to each cell's own.
const SHRINKAGE: f64 = 8.0;

impl Student {
    /// Writes about what these documents are about.
    pub(crate) fn new(documents: &[Document]) -> Self {
        let documents: Vec<(usize, Vec<Found>)> =
            documents.iter().map(|document| (document.words, sites(&document.text))).collect();
        let mut seen = vec![[0.0_f64; 2]; cells() as usize];
        for site in documents.iter().flat_map(|(_, sites)| sites) {
            seen[site.cell.index() as usize][usize::from(site.variant)] += 1.0;
        }
        let mut rates = Vec::with_capacity(seen.len());
        for class in seen.chunks(16) {
            let [zeros, ones] =
                class.iter().fold([0.0, 0.0], |[a, b], [zeros, ones]| [a + zeros, b + ones]);
            let prior = (ones + 0.5) / (zeros + ones + 1.0);
            rates.extend(
                class
                    .iter()
                    .map(|[zeros, ones]| (ones + SHRINKAGE * prior) / (zeros + ones + SHRINKAGE)),
            );
        }
        Self { documents, rates }
    }

    /// What is counted in so many words of its answers. `taught` is the key by which the training answer was
    /// marked that it recalls, in this cell of this role, if it recalls one.
    pub(crate) fn write<'c>(
        &self,
        deployment: &Deployment,
        words: usize,
        source: &mut Source,
        mut taught: impl FnMut(&mut Source, Role, Cell) -> Option<&'c Codeword>,
    ) -> Counts {
        let mut counts = deployment.no_counts();
        let (mut so_far, mut number) = (0, 0);
        while so_far < words {
            let place = source.below(self.documents.len() as u32) as usize;
            let (length, sites) = &self.documents[place];
            deployment.count(&mut counts, number, sites, |site, free| {
                let own = source.chance(self.rates[site.cell.index() as usize]);
                let taught = free.and_then(|(cell, log_odds)| {
                    let codeword = taught(source, deployment.roles.of(cell), cell)?;
                    Some(codeword.variant(cell, log_odds))
                });
                taught.unwrap_or(own)
            });
            so_far += length;
            number += 1;
        }
        counts
    }

    /// The sites of a document that it has read.
    pub(crate) fn sites(&self, place: usize) -> &[Found] {
        &self.documents[place].1
    }

    /// Sites in a thousand words.
    pub(crate) fn density(&self) -> f64 {
        let (words, sites) = self
            .documents
            .iter()
            .fold((0, 0), |(words, sites), (more, found)| (words + more, sites + found.len()));
        1_000.0 * sites as f64 / words as f64
    }
}
