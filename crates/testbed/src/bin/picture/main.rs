//! Draws what a job keeps on storage over time from a table of measurements: `picture TABLE.csv PICTURE.svg`.

mod drawing;
mod scale;
mod series;

use std::error::Error;
use std::process::ExitCode;
use std::{env, fs};

use drawing::draw;
use series::Series;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [table, picture] = arguments.as_slice() else {
        eprintln!("usage: picture TABLE.csv PICTURE.svg");
        return ExitCode::from(2);
    };
    match write(table, picture) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot draw {table}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(table: &str, picture: &str) -> Result<(), Box<dyn Error>> {
    let series = fs::read_to_string(table)?.parse::<Series>()?;
    Ok(fs::write(picture, draw(&series))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_picture_shows_the_measurements() {
        let documents = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures/");
        let read = |name: &str| fs::read_to_string(format!("{documents}{name}")).unwrap();
        let series = read("job-manager-kills.csv").parse::<Series>().unwrap();
        assert!(
            draw(&series) == read("job-manager-kills.svg"),
            "run `make drawing`"
        );
    }
}
