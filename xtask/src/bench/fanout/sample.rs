//! What the load generator says, and several of its answers as one.

use serde::Deserialize;

/// The result of one run.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Sample {
    pub(crate) connections: usize,
    pub(crate) delivered_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) server_cpu_us_per_delivery: Option<f64>,
    pub(crate) server_cpu_share: Option<f64>,
    pub(crate) generator_cpu_share: f64,
    pub(crate) others_cpu_share: f64,
    pub(crate) batch: f64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) out_of_order: u64,
    pub(crate) strays: u64,
    pub(crate) errors: u64,
    pub(crate) closed: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) memory_per_connection: Option<f64>,
}

impl Sample {
    /// Medians of the figures, sums of the faults; None when there is no run.
    pub(crate) fn combine(runs: &[Self]) -> Option<Self> {
        let first = runs.first()?;
        let middle = |figure: fn(&Self) -> f64| median(runs.iter().map(figure).collect());
        let maybe = |figure: fn(&Self) -> Option<f64>| {
            let known: Vec<f64> = runs.iter().filter_map(figure).collect();
            (!known.is_empty()).then(|| median(known))
        };
        let sum = |count: fn(&Self) -> u64| runs.iter().map(count).sum();
        Some(Self {
            connections: first.connections,
            delivered_per_second: middle(|run| run.delivered_per_second),
            p50_us: middle(|run| run.p50_us),
            p99_us: middle(|run| run.p99_us),
            server_cpu_us_per_delivery: maybe(|run| run.server_cpu_us_per_delivery),
            server_cpu_share: maybe(|run| run.server_cpu_share),
            generator_cpu_share: middle(|run| run.generator_cpu_share),
            others_cpu_share: middle(|run| run.others_cpu_share),
            batch: middle(|run| run.batch),
            lost: sum(|run| run.lost),
            duplicated: sum(|run| run.duplicated),
            out_of_order: sum(|run| run.out_of_order),
            strays: sum(|run| run.strays),
            errors: sum(|run| run.errors),
            closed: sum(|run| run.closed),
            first_error: runs.iter().find_map(|run| run.first_error.clone()),
            memory_per_connection: maybe(|run| run.memory_per_connection),
        })
    }

    /// Whether every message came to everybody once and in order, and no connection ended.
    pub(crate) fn faultless(&self) -> bool {
        self.lost + self.duplicated + self.out_of_order + self.strays + self.errors + self.closed
            == 0
    }

    /// Lost, twice, out of order; and what else went wrong.
    pub(crate) fn faults(&self) -> String {
        let Self {
            lost,
            duplicated,
            out_of_order,
            strays,
            errors,
            closed,
            ..
        } = self;
        let mut text = format!("{lost}/{duplicated}/{out_of_order}");
        for (count, what) in [(strays, "strays"), (errors, "errors"), (closed, "closed")] {
            if *count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        if let Some(error) = &self.first_error {
            text.push_str(&format!(": {}", error.replace('|', "/")));
        }
        text
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rate: f64, lost: u64) -> Sample {
        Sample {
            delivered_per_second: rate,
            lost,
            ..Sample::default()
        }
    }

    #[test]
    fn figures_are_medians_and_faults_are_sums() {
        assert!(Sample::combine(&[]).is_none());
        let runs = [sample(9.0, 1), sample(1.0, 0), sample(2.0, 2)];
        let all = Sample::combine(&runs).expect("some");
        assert!((all.delivered_per_second - 2.0).abs() < f64::EPSILON);
        assert_eq!((all.lost, all.server_cpu_share), (3, None));
        let two = Sample::combine(&runs[..2]).expect("some");
        assert!((two.delivered_per_second - 5.0).abs() < f64::EPSILON);
    }

    #[test]
    fn faults_are_told_in_words() {
        let mut one = sample(1.0, 2);
        assert_eq!(one.faults(), "2/0/0");
        assert!(!one.faultless());
        assert!(sample(1.0, 0).faultless());
        one.closed = 1;
        one.first_error = Some("closed with 4008".to_owned());
        assert_eq!(one.faults(), "2/0/0, 1 closed: closed with 4008");
    }
}
