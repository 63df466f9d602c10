//! Where the suspect's score stands among those of decoy keys.

use crate::forensics::examination::DeploymentTest;
use crate::page::markup::Markup;
use crate::page::plot::Plot;
use crate::page::words::{grouped, signed};

/// The farthest score that is drawn to scale.
const FARTHEST: f64 = 40.0;

/// The histogram of decoys, with the suspect's line.
pub(in super::super) fn histogram(id: &str, test: &DeploymentTest, description: &str) -> Markup {
    let histogram = &test.decoys.histogram;
    let until = histogram.from + histogram.width * histogram.counts.len() as f64;
    let score = test.standardized.clamp(-FARTHEST, FARTHEST);
    let x = (histogram.from.min(score - 1.0), until.max(score + 1.0));
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    let y = (0.0, f64::from(most) * 1.15);
    let mut plot = Plot::new(id, "Scores of decoy keys and of the key", description, 270.0, x, y);

    plot.y_axis("decoy keys", |count| grouped(count.max(0.0).round() as u64));
    let base = plot.y.range.0;
    let mut left = histogram.from;
    for count in &histogram.counts {
        let right = left + histogram.width;
        if *count > 0 {
            let (from, to) = (plot.x.place(left) + 0.4, plot.x.place(right) - 0.4);
            // One key among thousands would be too flat to be seen.
            let top = plot.y.place(f64::from(*count)).min(base - 1.0);
            plot.rectangle("bar", (from, base), (to, top));
        }
        left = right;
    }
    let scale = test.decoys.count as f64 * histogram.width / std::f64::consts::TAU.sqrt();
    let normal = (-40..=40).map(|step| {
        let score = f64::from(step) / 10.0;
        (score, scale * (-score * score / 2.0).exp())
    });
    plot.path("curve", normal, false);
    plot.x_axis("score, in standard deviations", |score| signed(score, 0));
    suspect(&mut plot, test.standardized);
    plot.finish()
}

fn suspect(plot: &mut Plot, score: f64) {
    let (x, top) = (plot.x.place(score), plot.y.range.1);
    plot.line("suspect", (x, top), (x, plot.y.range.0));
    let beyond = if score.abs() > FARTHEST { " (beyond the axis)" } else { "" };
    let label = format!("suspect {}{beyond}", signed(score, 1));
    let middle = (plot.x.range.0 + plot.x.range.1) / 2.0;
    let (class, shift) = if x > middle { ("suspect end", -6.0) } else { ("suspect", 6.0) };
    plot.label(class, (x + shift, top + 8.0), &label);
}
