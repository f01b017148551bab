//! The plot: what a request costs more than without a filter, against rules.

use super::results::Results;
use super::variant::{FLOOR, Kind, NO_FILTER, RULES, Tokens, allowed};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (900, 560);
const COUNTS: std::ops::Range<f64> = 0.8..14_000.0;

/// The lines: kinds that have rules, each with its color.
const LINES: [(Kind, RGBColor); 4] = [
    (Kind::Doorward, BLUE),
    (Kind::JwtRbac { cache: true }, RED),
    (Kind::Casbin, RGBColor(0, 140, 60)),
    (Kind::Rego, RGBColor(150, 0, 150)),
];

/// And those that have none, drawn across.
const FLOORS: [(Kind, RGBColor); 3] = [
    (FLOOR.kind, RGBColor(130, 130, 130)),
    (Kind::Lua, RGBColor(200, 160, 0)),
    (Kind::ExtAuthz, BLACK),
];

/// A line's name, its color and its points.
type Line = (&'static str, RGBColor, Vec<(f64, f64)>);

/// Draws what was measured with one cached token, by the CPU of Envoy and of
/// the server that it asks.
pub(super) fn draw(file: &Path, results: &Results) -> Result<()> {
    let lines = lines(results);
    let most = lines
        .iter()
        .flat_map(|(_, _, points)| points)
        .map(|(_, cost)| *cost)
        .fold(100.0, f64::max);
    let failed = |error: &dyn std::error::Error| {
        anyhow!("the plot {} cannot be drawn: {error}", file.display())
    };
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(|error| failed(&error))?;
    chart(&area, &lines, most * 2.0).map_err(|error| failed(&error))?;
    area.present().map_err(|error| failed(&error))?;
    println!("drawn to {}", file.display());
    Ok(())
}

fn lines(results: &Results) -> Vec<Line> {
    let cost = |kind: Kind, rules: usize| {
        let variant = allowed(kind, rules, Tokens::One);
        let added = results.added(variant, NO_FILTER, |slice| slice.cpu_with_server)?;
        // What is below cannot be told from nothing, and has no logarithm.
        Some(added.max(1.0))
    };
    let sloped = LINES.iter().map(|(kind, color)| {
        let points = RULES
            .iter()
            .filter_map(|rules| Some((*rules as f64, cost(*kind, *rules)?)));
        (kind.name(), *color, points.collect())
    });
    let flat = FLOORS.iter().map(|(kind, color)| {
        let points = cost(*kind, 0).map_or_else(Vec::new, |cost| {
            RULES.iter().map(|rules| (*rules as f64, cost)).collect()
        });
        (kind.name(), *color, points)
    });
    let drawn = |line: &Line| !line.2.is_empty();
    sloped.chain(flat).filter(drawn).collect()
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn chart<'a>(area: &Area<'a>, lines: &[Line], most: f64) -> Drawn<'a> {
    let mut chart = ChartBuilder::on(area)
        .caption(
            "CPU that a request takes more than without a filter",
            ("sans-serif", 17),
        )
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d(COUNTS.log_scale(), (1.0..most).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("rules")
        .x_label_formatter(&|rules| format!("{rules:.0}"))
        .y_label_formatter(&|us| label(*us))
        .draw()?;
    for (name, color, points) in lines {
        let dots = points
            .iter()
            .map(|point| Circle::new(*point, 3, color.filled()));
        chart.draw_series(dots)?;
        let color = *color;
        chart
            .draw_series(LineSeries::new(
                points.iter().copied(),
                color.stroke_width(2),
            ))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .draw()
}

fn label(us: f64) -> String {
    if us < 1e3 {
        format!("{us:.0} us")
    } else {
        format!("{:.0} ms", us / 1e3)
    }
}
