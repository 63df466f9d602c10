//! The suspect's score among those of keys that nobody has used, and whether these behave.

use super::plots::{Plotted, histogram, plotted, quantiles as quantile_plot};
use super::words::{decoys_reached, frequency};
use super::{evidence_section, strongest};
use crate::forensics::examination::{DeploymentTest, Outcome, Verdict};
use crate::page::figure;
use crate::page::markup::Markup;
use crate::page::words::{counted, grouped, signed};

pub(super) const SCORES: &str = "figure-scores";
pub(super) const QUANTILES: &str = "figure-quantiles";

pub(super) fn scores(page: &mut Markup, verdict: &Verdict) {
    evidence_section(page, verdict, "2", "The score of the key, among those of decoy keys");
    let strongest = strongest(verdict);
    let Some((number, test)) = strongest.first().filter(|(_, test)| test.decoys.count > 0) else {
        page.raw("<p>No key of a deployment was tested against decoy keys.</p>\n").close("section");
        return;
    };
    page.raw(
        "<p>Decoy keys are drawn like real ones and have never marked anything. The text was \
              scored with each of them, by the same program, as it was with the key under test. ",
    );
    page.prose(&place(verdict, test)).raw("</p>\n");
    let description = format!("Histogram. {}", described(test));
    figure(page, "Figure 1.", &histogram(SCORES, test, &description), |caption| {
        caption.text(&format!(
            "Scores of {} (bars), the normal curve for comparison (line), and the score of the key \
             under test (red line): test {number}, scheme {}, epoch {}. ",
            counted(test.decoys.count, "decoy key", "decoy keys"),
            test.scheme,
            test.epoch
        ));
        if strongest.len() > 1 {
            caption.raw("The strongest test is shown; the others are in section 5. ");
        }
    });
    page.close("section");
}

fn place(verdict: &Verdict, test: &DeploymentTest) -> String {
    let reached = decoys_reached(test.decoys.p, test.decoys.count);
    let highest = test.decoys.quantiles.last().map_or(0.0, |quantile| quantile.score);
    let told = match reached {
        0 => format!(
            "None of {} scored as high as the key; the highest decoy reached {} standard \
             deviations, the key {}.",
            grouped(test.decoys.count),
            signed(highest, 1),
            signed(test.standardized, 1)
        ),
        _ => format!(
            "{} of {} scored at least as high as the key, which reached {} standard deviations.",
            grouped(reached),
            grouped(test.decoys.count),
            signed(test.standardized, 1)
        ),
    };
    if reached > 0 || verdict.outcome == Outcome::Refused {
        return told;
    }
    let law =
        if test.exact { "By the law of the score" } else { "By a bound that holds for every text" };
    format!(
        "{told} So few decoys cannot tell how rare such a score is. {law}, {} would score as high.",
        frequency(test.p)
    )
}

fn described(test: &DeploymentTest) -> String {
    format!(
        "{} scored {} on average with a standard deviation of {}; expected are 0 and 1. The key \
         under test scored {}.",
        counted(test.decoys.count, "decoy key", "decoy keys"),
        signed(test.decoys.mean, 3),
        signed(test.decoys.deviation, 3),
        signed(test.standardized, 2)
    )
}

pub(super) fn quantiles_of(verdict: &Verdict) -> Option<(usize, &DeploymentTest, Vec<Plotted>)> {
    let (number, test) = strongest(verdict).into_iter().next()?;
    let decoys = plotted(&test.decoys);
    (!decoys.is_empty()).then_some((number, test, decoys))
}

pub(super) fn quantiles(page: &mut Markup, verdict: &Verdict) {
    evidence_section(page, verdict, "3", "Whether the test gives honest p-values");
    let Some((number, test, decoys)) = quantiles_of(verdict) else {
        page.raw("<p>The p-values of decoy keys were not worked out.</p>\n").close("section");
        return;
    };
    page.raw("<p>Decoy keys have nothing to do with the text, so their p-values must look like \
              chance. Each decoy’s score was turned into a p-value just as that of the key under \
              test was. Points on the diagonal are as chance has them. Points below it are larger \
              than they need be, which favours the suspect. Points above the band would be p-values \
              that are too small. ");
    let small = decoys.iter().filter(|decoy| decoy.is_too_small()).count();
    let outside = match small {
        0 => "None of the points is above it.".to_owned(),
        _ => format!(
            "{small} of {} points are above it, where the band leaves out one in 40 by chance at each.",
            decoys.len()
        ),
    };
    page.text(&outside).raw("</p>\n");
    let description = format!(
        "Quantile plot of {} points on logarithmic axes. {outside} The smallest p-value among {} is \
         ten to the power of {}.",
        decoys.len(),
        counted(test.decoys.count, "decoy key", "decoy keys"),
        signed(decoys.first().map_or(0.0, |decoy| decoy.log10_p), 2)
    );
    let svg = quantile_plot(QUANTILES, &decoys, &description);
    figure(page, "Figure 2.", &svg, |caption| {
        caption.text(&format!(
            "P-values of {} against those of chance: test {number}. The band holds the p-value of \
             each rank in 95 of 100 cases, for each rank by itself. ",
            counted(test.decoys.count, "decoy key", "decoy keys")
        ));
        if !test.exact {
            caption.raw("The test’s p-values are upper bounds, so that points below the diagonal are expected. ");
        }
    });
    page.element(
        "p",
        &[],
        &format!(
            "The decoys’ scores have a mean of {} and a standard deviation of {}; a law that holds \
             gives 0 and 1. Where the mean of K decoys is more than 4/√K from 0, or their deviation \
             more than 4/√(2K) from 1 (for a law with heavy tails somewhat more), no answer is given.",
            signed(test.decoys.mean, 3),
            signed(test.decoys.deviation, 3)
        ),
    );
    page.raw("\n").close("section");
}
