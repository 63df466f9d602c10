//! Rates over many drawn experiments.

#[derive(Clone, Copy, Default)]
pub(crate) struct Rate {
    times: u32,
    of: u32,
    refused: u32,
}

impl Rate {
    /// An answer, or a refusal to give one, which rejects nothing.
    pub(crate) fn add(&mut self, answer: Option<bool>) {
        self.of += 1;
        self.times += u32::from(answer == Some(true));
        self.refused += u32::from(answer.is_none());
    }

    /// In percent of answers; how often there was none behind it, where that shows.
    pub(crate) fn shown(&self) -> String {
        let percent = |times: u32, of: u32| 100.0 * f64::from(times) / f64::from(of.max(1));
        let answers = percent(self.times, self.of - self.refused);
        let refused = percent(self.refused, self.of);
        match refused {
            100.0 => "no answer".into(),
            0.5.. => format!("{answers:.1} % ({refused:.0} % no answer)"),
            _ => format!("{answers:.1} %"),
        }
    }
}

pub(crate) fn row(head: &str, cells: &[Rate]) {
    let cells: Vec<_> = cells.iter().map(Rate::shown).collect();
    println!("| {head} | {} |", cells.join(" | "));
}

pub(crate) fn head(columns: &[&str]) {
    println!("| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
}

pub(crate) fn repetitions(usual: u32) -> u32 {
    let given = std::env::var("GUILLOCHE_REPETITIONS").ok().and_then(|number| number.parse().ok());
    given.unwrap_or(usual)
}
