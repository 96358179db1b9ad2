//! Charts of lines, as SVG: axes with units, and colours that can be told apart on white and on black.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 52.0;
/// Of middle lightness, for both.
const COLOURS: [&str; 4] = ["#3b82d6", "#d9772b", "#3f9b5f", "#b0569b"];
const DASHES: [&str; 4] = ["none", "8 4", "2 3", "10 3 2 3"];

/// A chart to be drawn.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Each with its name.
    pub(crate) lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// An axis, from the first of its marks to the last.
#[derive(Debug)]
pub(crate) struct Axis {
    /// With the unit.
    pub(crate) name: &'static str,
    pub(crate) marks: Vec<f64>,
    pub(crate) logarithmic: bool,
}

impl Axis {
    /// Where a value stands, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let scaled = |value: f64| if self.logarithmic { value.ln() } else { value };
        let ends = [self.marks[0], self.marks[self.marks.len() - 1]].map(scaled);
        ((scaled(value) - ends[0]) / (ends[1] - ends[0])).clamp(0.0, 1.0)
    }
}

impl Chart {
    pub(crate) fn svg(&self) -> String {
        let x = |value| LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT);
        let y = |value| HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n\
             <title>{title}</title>\n\
             <style>text {{ fill: #24292f }} .grid {{ stroke: #8b949e; stroke-opacity: 0.35 }} \
             @media (prefers-color-scheme: dark) {{ text {{ fill: #d0d7de }} }}</style>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{title}</text>\n",
            title = self.title,
        );
        let (left, right, top, bottom) = (LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM);
        for mark in &self.x.marks {
            let at = x(*mark);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{at:.1} {top}V{bottom}\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{mark}</text>",
                bottom + 18.0,
            );
        }
        for mark in &self.y.marks {
            let at = y(*mark);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{left} {at:.1}H{right}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{mark}</text>",
                left - 8.0,
                at + 4.0,
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(left, right),
            HEIGHT - 12.0,
            self.x.name,
            f64::midpoint(top, bottom),
            self.y.name,
        );
        for (number, (name, points)) in self.lines.iter().enumerate() {
            let (colour, dash) = (COLOURS[number % 4], DASHES[number % 4]);
            let path: Vec<String> = points
                .iter()
                .map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value)))
                .collect();
            let legend = TOP + 14.0 + 22.0 * number as f64;
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" \
                 stroke-dasharray=\"{dash}\"/>\
                 <path d=\"M{:.1} {:.1}h24\" stroke=\"{colour}\" stroke-width=\"2\" \
                 stroke-dasharray=\"{dash}\"/><text x=\"{:.1}\" y=\"{legend:.1}\">{name}</text>",
                path.join(" "),
                right + 14.0,
                legend - 4.0,
                right + 44.0,
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Chart};

    #[test]
    fn values_stand_where_the_axes_say() {
        let axis =
            |marks: &[f64], logarithmic| Axis { name: "x", marks: marks.to_vec(), logarithmic };
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
        near(axis(&[0.0, 50.0, 100.0], false).place(25.0), 0.25);
        near(axis(&[1.0, 10.0, 100.0], true).place(10.0), 0.5);
        near(axis(&[1.0, 100.0], true).place(1_000.0), 1.0);
        let lines = vec![("a".to_owned(), vec![(0.0, 0.0), (100.0, 100.0)])];
        let (x, y) = (axis(&[0.0, 100.0], false), axis(&[0.0, 100.0], false));
        let svg = Chart { title: "t", x, y, lines }.svg();
        assert!(svg.contains("points=\"64.0,308.0 590.0,44.0\""), "{svg}");
    }
}
