//! Numbers and tables as the page shows them.

/// How often a study repeats each line: as usual, or as often as GUILLOCHE_REPETITIONS says.
pub(crate) fn repetitions(usual: u32) -> u32 {
    chosen("GUILLOCHE_REPETITIONS").unwrap_or(usual)
}

/// How many accounts were issued answers: as usual, or as many as GUILLOCHE_ACCOUNTS says.
pub(crate) fn accounts(usual: usize) -> usize {
    chosen("GUILLOCHE_ACCOUNTS").map_or(usual, |number| number as usize)
}

fn chosen(variable: &str) -> Option<u32> {
    std::env::var(variable).ok()?.parse().ok().filter(|number| *number > 0)
}

/// Begins a Markdown table.
pub(crate) fn head(columns: &[&str]) {
    println!("\n| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
}

/// A row of it, as soon as it is known.
pub(crate) fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// Prints a whole Markdown table.
pub(crate) fn table(columns: &[&str], rows: &[Vec<String>]) {
    head(columns);
    rows.iter().for_each(|cells| row(cells));
    println!();
}

/// 12,345.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A p-value or a rate, with two digits.
pub(crate) fn p(value: f64) -> String {
    if value >= 0.001 || value == 0.0 { format!("{value:.3}") } else { format!("{value:.1e}") }
}

/// A p-value that is given as its logarithm.
pub(crate) fn ln_p(value: f64) -> String {
    let exponent = value / std::f64::consts::LN_10;
    if exponent > -3.0 {
        return p(value.exp());
    }
    let whole = exponent.floor();
    format!("{:.1}e{whole}", 10_f64.powf(exponent - whole))
}

/// A share as per cent with its 95 % interval (Wilson's score interval).
pub(crate) fn share(hits: usize, of: usize) -> String {
    let (low, high) = wilson(hits, of);
    let percent = 100.0 * hits as f64 / of.max(1) as f64;
    format!("{percent:.0} % ({:.0}–{:.0})", 100.0 * low, 100.0 * high)
}

/// Wilson's 95 % interval of a share.
pub(crate) fn wilson(hits: usize, of: usize) -> (f64, f64) {
    let (n, z) = (of.max(1) as f64, 1.96_f64);
    let rate = hits as f64 / n;
    let middle = rate + z * z / (2.0 * n);
    let half = z * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// The middle of some values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Their standard deviation.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// The share of values below a level.
pub(crate) fn below(values: &[f64], level: f64) -> f64 {
    values.iter().filter(|value| **value < level).count() as f64 / values.len() as f64
}
