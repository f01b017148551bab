//! The plot: a panel for each family, the cost of a decision against rows.

use super::{Cost, Findings};
use crate::engine::Kind;
use crate::workload::Case;
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::Path;

/// Panels side by side, and the size of one.
const COLUMNS: usize = 4;
const PANEL: (u32, u32) = (360, 280);

/// Both axes, the same in each panel so that panels compare.
const ROWS: std::ops::Range<f64> = 4.0..200_000.0;
const NANOSECONDS: std::ops::Range<f64> = 30.0..200_000_000.0;

/// Draws the median of the case random, for all engines.
///
/// # Errors
///
/// When the file cannot be written.
pub fn plot(file: &Path, findings: &[Findings]) -> Result<()> {
    let lines = findings.len().div_ceil(COLUMNS);
    let columns = findings.len().clamp(1, COLUMNS);
    let size = (PANEL.0 * columns as u32, PANEL.1 * lines.max(1) as u32);
    let area = SVGBackend::new(file, size).into_drawing_area();
    let drawn = area.fill(&WHITE).map_err(|error| failed(file, &error));
    drawn?;
    for (panel, found) in area.split_evenly((lines, columns)).iter().zip(findings) {
        draw(panel, found).map_err(|error| failed(file, &error))?;
    }
    area.present().map_err(|error| failed(file, &error))
}

fn failed(file: &Path, error: &dyn std::error::Error) -> anyhow::Error {
    anyhow!("the plot {} cannot be drawn: {error}", file.display())
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw<'a>(panel: &DrawingArea<SVGBackend<'a>, Shift>, found: &Findings) -> Drawn<'a> {
    let mut chart = ChartBuilder::on(panel)
        .caption(found.name, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(30)
        .y_label_area_size(52)
        .build_cartesian_2d(ROWS.log_scale(), NANOSECONDS.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(6)
        .y_labels(8)
        .x_desc("rows")
        .x_label_formatter(&|rows| format!("{rows:.0}"))
        .y_label_formatter(&|ns| label(*ns))
        .draw()?;
    for (kind, color) in Kind::ALL.iter().zip([&RED, &BLUE, &GREEN, &BLACK]) {
        let points: Vec<(f64, f64)> = found
            .costs
            .iter()
            .filter(|cost| cost.engine == kind.name() && cost.case == Case::Random.name())
            .map(|cost: &Cost| (cost.rows as f64, cost.ns.median))
            .collect();
        if points.is_empty() {
            continue;
        }
        let dots = points
            .iter()
            .map(|point| Circle::new(*point, 3, color.filled()));
        chart.draw_series(dots)?;
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(kind.name())
            .legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .draw()
}

fn label(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.0} us", ns / 1e3),
        ns => format!("{:.0} ms", ns / 1e6),
    }
}
