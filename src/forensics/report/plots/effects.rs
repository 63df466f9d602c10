//! Sizes of effects with their intervals, one below the other.

use crate::forensics::examination::{DeploymentTest, EffectSize};
use crate::page::markup::Markup;
use crate::page::plot::Plot;
use crate::page::words::signed;

const ROW: f64 = 24.0;

/// The effects of tests, each under its number.
pub(in super::super) fn effects(
    id: &str,
    tests: &[(usize, &DeploymentTest, EffectSize)],
    description: &str,
) -> Markup {
    let ends = tests.iter().flat_map(|(_, test, effect)| {
        [effect.low, effect.high, effect.estimate, test.least_effect.unwrap_or(0.0)]
    });
    let ends: Vec<f64> = ends.filter(|end| end.is_finite()).map(|end| end * 100.0).collect();
    let least = ends.iter().copied().fold(0.0, f64::min);
    let most = ends.iter().copied().fold(0.0, f64::max);
    let margin = ((most - least) * 0.06).max(0.1);
    let height = 66.0 + ROW * tests.len() as f64;
    let title = "Effect sizes with their intervals";
    let x = (least - margin, most + margin);
    let mut plot = Plot::new(id, title, description, height, x, (tests.len() as f64, 0.0));

    plot.label("meaning", (2.0, 11.0), "test");
    let zero = plot.x.place(0.0);
    plot.line("axis", (zero, plot.y.range.1), (zero, plot.y.range.0));
    for (row, (number, test, effect)) in tests.iter().enumerate() {
        let y = plot.y.place(row as f64 + 0.5);
        let [low, estimate, high] =
            [effect.low, effect.estimate, effect.high].map(|share| plot.x.place(share * 100.0));
        plot.label("tick end", (plot.x.range.0 - 8.0, y + 4.0), &number.to_string());
        if let Some(least) = test.least_effect {
            let x = plot.x.place(least * 100.0);
            plot.line("needed", (x, y - 8.0), (x, y + 8.0));
        }
        plot.line("interval", (low, y), (high, y));
        plot.dot("estimate", (estimate, y), 4.0);
    }
    let places = if most - least < 0.5 { 2 } else { usize::from(most - least < 5.0) };
    plot.x_axis("choices in a hundred that follow the key, beyond what habit gives", |sites| {
        signed(sites, places)
    });
    plot.finish()
}
