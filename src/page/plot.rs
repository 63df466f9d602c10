//! Figures, as SVG within the page: a frame, axes, marks. Colours come from the page's style.

use super::markup::Markup;

const WIDTH: f64 = 680.0;

/// A linear scale from numbers to places on the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) domain: (f64, f64),
    pub(crate) range: (f64, f64),
}

impl Scale {
    pub(crate) fn place(self, number: f64) -> f64 {
        let (from, to) = self.domain;
        let span = to - from;
        let share = if span == 0.0 { 0.5 } else { (number - from) / span };
        self.range.0 + share.clamp(0.0, 1.0) * (self.range.1 - self.range.0)
    }

    /// Round numbers within, some five of them.
    fn ticks(self) -> Vec<f64> {
        let (from, to) = self.domain;
        let span = to - from;
        if !(span > 0.0 && span.is_finite()) {
            return vec![];
        }
        let rough = 10_f64.powf((span / 5.0).log10().floor());
        let fits = |factor: &f64| span / (factor * rough) <= 7.0;
        let step = rough * [1.0, 2.0, 5.0, 10.0].into_iter().find(fits).unwrap_or(10.0);
        let first = (from / step - 1e-9).ceil();
        (0..20)
            .map(|tick| (first + f64::from(tick)) * step)
            .filter(|tick| *tick <= to + step * 1e-9)
            .collect()
    }
}

/// A figure that is open for its marks.
pub(crate) struct Plot {
    svg: Markup,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

impl Plot {
    /// A frame of a height for these domains. `title` and `description` are for those who do not
    /// see it; `id` is the page's own.
    pub(crate) fn new(
        id: &str,
        title: &str,
        description: &str,
        height: f64,
        x: (f64, f64),
        y: (f64, f64),
    ) -> Self {
        let mut svg = Markup::default();
        let (title_id, description_id) = (format!("{id}-title"), format!("{id}-description"));
        svg.open(
            "svg",
            &[
                ("viewBox", &format!("0 0 {WIDTH} {height}")),
                ("role", "img"),
                ("aria-labelledby", &title_id),
                ("aria-describedby", &description_id),
            ],
        );
        svg.raw("\n").element("title", &[("id", &title_id)], title);
        svg.raw("\n").element("desc", &[("id", &description_id)], description).raw("\n");
        let x = Scale { domain: x, range: (52.0, WIDTH - 20.0) };
        let y = Scale { domain: y, range: (height - 44.0, 22.0) };
        Self { svg, x, y }
    }

    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(short);
        self.svg
            .empty("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)]);
    }

    pub(crate) fn label(&mut self, class: &str, at: (f64, f64), text: &str) {
        let at = (short(at.0), short(at.1));
        self.svg.element("text", &[("class", class), ("x", &at.0), ("y", &at.1)], text).raw("\n");
    }

    pub(crate) fn rectangle(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        let [x, y, width, height] = [left, top, right - left, bottom - top].map(short);
        let attributes =
            [("class", class), ("x", &*x), ("y", &*y), ("width", &*width), ("height", &*height)];
        self.svg.empty("rect", &attributes);
    }

    #[cfg(any(feature = "experiments", feature = "forensics"))]
    pub(crate) fn dot(&mut self, class: &str, at: (f64, f64), radius: f64) {
        let [x, y, r] = [at.0, at.1, radius].map(short);
        self.svg.empty("circle", &[("class", class), ("cx", &x), ("cy", &y), ("r", &r)]);
    }

    /// A path through points of the plot's numbers.
    #[cfg(any(feature = "experiments", feature = "forensics"))]
    pub(crate) fn path(
        &mut self,
        class: &str,
        points: impl IntoIterator<Item = (f64, f64)>,
        closed: bool,
    ) {
        let mut path = String::new();
        for (x, y) in points {
            let letter = if path.is_empty() { 'M' } else { 'L' };
            let (x, y) = (short(self.x.place(x)), short(self.y.place(y)));
            path.push_str(&format!("{letter}{x} {y}"));
        }
        if closed {
            path.push('Z');
        }
        self.svg.empty("path", &[("class", class), ("d", &path)]);
    }

    /// The axis below, with numbers and what it means.
    pub(crate) fn x_axis(&mut self, meaning: &str, label: impl Fn(f64) -> String) {
        let base = self.y.range.0;
        self.line("axis", (self.x.range.0, base), (self.x.range.1, base));
        for tick in self.x.ticks() {
            let x = self.x.place(tick);
            self.line("axis", (x, base), (x, base + 4.0));
            self.label("tick middle", (x, base + 17.0), &label(tick));
        }
        let middle = (self.x.range.0 + self.x.range.1) / 2.0;
        self.label("meaning middle", (middle, base + 36.0), meaning);
    }

    /// The axis on the left, with lines across.
    pub(crate) fn y_axis(&mut self, meaning: &str, label: impl Fn(f64) -> String) {
        for tick in self.y.ticks() {
            let y = self.y.place(tick);
            self.line("grid", (self.x.range.0, y), (self.x.range.1, y));
            self.label("tick end", (self.x.range.0 - 8.0, y + 4.0), &label(tick));
        }
        self.label("meaning", (2.0, 11.0), meaning);
    }

    pub(crate) fn finish(mut self) -> Markup {
        self.svg.close("svg");
        self.svg
    }
}

/// A place on the page, to a tenth of a unit.
fn short(place: f64) -> String {
    let written = format!("{place:.1}");
    written.strip_suffix(".0").map_or(written.clone(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let ticks = |from, to| Scale { domain: (from, to), range: (0.0, 1.0) }.ticks();
        assert_eq!(ticks(-5.0, 5.0), [-4.0, -2.0, 0.0, 2.0, 4.0]);
        assert_eq!(ticks(0.0, 4.0), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert!(ticks(1.0, 1.0).is_empty() && ticks(0.0, f64::INFINITY).is_empty());
        for (from, to) in [(-5.0, 31.0), (0.0, 813.0), (-0.013, 0.002)] {
            let ticks = ticks(from, to);
            assert!((3..=8).contains(&ticks.len()), "{ticks:?}");
            assert!(ticks.iter().all(|tick| (from..=to).contains(tick)), "{ticks:?}");
        }
    }
}
