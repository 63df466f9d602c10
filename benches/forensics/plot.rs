//! Line plots as SVG files that stand alone and follow the reader's light or dark theme.

use std::fmt::Write as _;

/// One axis.
pub(crate) struct Axis {
    pub(crate) label: &'static str,
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) logarithmic: bool,
    /// Where it is ruled, and what stands there.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Powers of ten; below 1 they are written as such.
    pub(crate) fn decades(label: &'static str, from: i32, to: i32) -> Self {
        let ticks = (from..=to).map(|power| {
            let name = match power {
                0..=7 => crate::figures::thousands(10_usize.pow(power.unsigned_abs())),
                _ => format!("1e{power}"),
            };
            (10_f64.powi(power), name)
        });
        let ticks = ticks.collect();
        Self { label, from: 10_f64.powi(from), to: 10_f64.powi(to), logarithmic: true, ticks }
    }

    /// From 0 to 100 per cent.
    pub(crate) fn percent(label: &'static str) -> Self {
        let ticks =
            (0..=4).map(|quarter| (f64::from(quarter) / 4.0, format!("{} %", quarter * 25)));
        Self { label, from: 0.0, to: 1.0, logarithmic: false, ticks: ticks.collect() }
    }

    /// Between 0 and 1.
    fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { value.max(1e-300).ln() } else { value };
        ((scale(value) - scale(self.from)) / (scale(self.to) - scale(self.from))).clamp(0.0, 1.0)
    }
}

/// One line with its name.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    /// From and to, at each point, if it is known how far it can be trusted.
    pub(crate) intervals: Vec<(f64, f64)>,
    pub(crate) dashed: bool,
}

/// A plot.
pub(crate) struct Plot {
    pub(crate) title: &'static str,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 216.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 58.0;

/// Okabe and Ito's colours, which people who do not see all colours can tell apart; lighter on a
/// dark ground.
const STYLE: &str = "\
    text{font:13px system-ui,sans-serif}.title{font-size:15px;font-weight:600}\
    .line{fill:none;stroke-width:2}.interval{stroke-width:1}.paper{fill:#fff}\
    text{fill:#1b2430}.rule{stroke:#d9dee6}.c0{stroke:#0067a5}.c1{stroke:#c04a00}\
    .c2{stroke:#00795a}.c3{stroke:#a0437c}.c4{stroke:#8a6d00}.c5{stroke:#47505c}\
    @media(prefers-color-scheme:dark){.paper{fill:#11161d}text{fill:#dfe5ee}\
    .rule{stroke:#323b47}.c0{stroke:#56b4e9}.c1{stroke:#f08a3c}.c2{stroke:#2fc09a}\
    .c3{stroke:#e08fc0}.c4{stroke:#e8cf4a}.c5{stroke:#a9b4c2}}";

impl Plot {
    /// Writes the file below `docs/forensics`.
    pub(crate) fn write(&self, name: &str) {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/forensics");
        let path = format!("{directory}/{name}.svg");
        match std::fs::create_dir_all(directory).and_then(|()| std::fs::write(&path, self.svg())) {
            Ok(()) => eprintln!("wrote {path}"),
            Err(error) => eprintln!("cannot write {path}: {error}"),
        }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM),
        )
    }

    fn svg(&self) -> String {
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\" aria-label=\"{title}\">\n<style>{STYLE}</style>\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" class=\"paper\"/>\n\
             <text class=\"title\" x=\"{LEFT}\" y=\"26\">{title}</text>\n",
            title = escaped(self.title)
        );
        self.rules(&mut out);
        for (number, series) in self.series.iter().enumerate() {
            self.line(number, series, &mut out);
        }
        out.push_str("</svg>\n");
        out
    }

    fn rules(&self, out: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, name) in &self.x.ticks {
            let (x, _) = self.at((*value, self.y.from));
            let below = bottom + 18.0;
            let _ = writeln!(
                out,
                "<path class=\"rule\" d=\"M{x:.1} {TOP}V{bottom}\"/>\
                 <text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{name}</text>"
            );
        }
        for (value, name) in &self.y.ticks {
            let (_, y) = self.at((self.x.from, *value));
            let (before, base) = (LEFT - 8.0, y + 4.5);
            let _ = writeln!(
                out,
                "<path class=\"rule\" d=\"M{LEFT} {y:.1}H{right}\"/>\
                 <text x=\"{before}\" y=\"{base:.1}\" text-anchor=\"end\">{name}</text>"
            );
        }
        let (middle, low) = ((LEFT + right) / 2.0, HEIGHT - 14.0);
        let height = (TOP + bottom) / 2.0;
        let _ = writeln!(
            out,
            "<text x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate(18 {height}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            escaped(self.x.label),
            escaped(self.y.label)
        );
    }

    fn line(&self, number: usize, series: &Series, out: &mut String) {
        let colour = number % 6;
        let dash = if series.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let mut path = String::new();
        for (place, point) in series.points.iter().enumerate() {
            let (x, y) = self.at(*point);
            let _ = write!(path, "{}{x:.1} {y:.1}", if place == 0 { 'M' } else { 'L' });
        }
        let _ = writeln!(out, "<path class=\"line c{colour}\"{dash} d=\"{path}\"/>");
        for ((x, _), (low, high)) in series.points.iter().zip(&series.intervals) {
            let ((x, low), (_, high)) = (self.at((*x, *low)), self.at((*x, *high)));
            let _ = writeln!(
                out,
                "<path class=\"line interval c{colour}\" \
                 d=\"M{x:.1} {low:.1}V{high:.1}\"/>"
            );
        }
        let (x, y) = (WIDTH - RIGHT + 14.0, TOP + 14.0 + 22.0 * number as f64);
        let (end, text, base) = (x + 22.0, x + 28.0, y + 4.5);
        let _ = writeln!(
            out,
            "<path class=\"line c{colour}\"{dash} d=\"M{x} {y}H{end}\"/>\
             <text x=\"{text}\" y=\"{base}\">{}</text>",
            escaped(&series.name)
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
