use std::str::FromStr;

/// Bytes on storage over time.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) points: Vec<Point>,
    /// Seconds at which `JobManager`s were killed.
    pub(crate) kills: Vec<f64>,
}

#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) second: f64,
    /// Of a job without the operator.
    pub(crate) without: f64,
    /// Of the same job beside the operator.
    pub(crate) with: f64,
    /// Of the latter, what some checkpoint names.
    pub(crate) named: f64,
}

pub(crate) const HEAD: &str =
    "second,killed,without_operator_bytes,with_operator_bytes,named_bytes";

#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidTable {
    #[error("its first line is not {HEAD:?}")]
    Head,
    #[error("line {0} does not have five numbers")]
    Line(usize),
    #[error("it has no measurements")]
    Empty,
}

impl FromStr for Series {
    type Err = InvalidTable;

    fn from_str(table: &str) -> Result<Self, InvalidTable> {
        let mut lines = table.lines();
        if lines.next() != Some(HEAD) {
            return Err(InvalidTable::Head);
        }
        let mut series = Self::default();
        for (index, line) in lines.enumerate() {
            let numbers: Result<Vec<f64>, _> = line.split(',').map(str::parse).collect();
            let Ok(&[second, killed, without, with, named]) = numbers.as_deref() else {
                return Err(InvalidTable::Line(index + 2));
            };
            if killed > 0.0 {
                series.kills.push(second);
            }
            series.points.push(Point {
                second,
                without,
                with,
                named,
            });
        }
        if series.points.is_empty() {
            return Err(InvalidTable::Empty);
        }
        Ok(series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_none_is_refused() {
        let parse = |text: &str| text.parse::<Series>().map(|_| ());
        assert!(matches!(parse("a,b\n"), Err(InvalidTable::Head)));
        assert!(matches!(
            parse(&format!("{HEAD}\n")),
            Err(InvalidTable::Empty)
        ));
        let short = format!("{HEAD}\n1,0,2,3,4\n2,0,3\n");
        assert!(matches!(parse(&short), Err(InvalidTable::Line(3))));
    }
}
