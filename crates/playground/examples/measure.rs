//! What the native engine takes for a request on standard input: microseconds, the median of as many runs as the
//! argument says. `measure/measure.sh` runs it beside the module.

use std::io::Read as _;
use std::time::Instant;

fn main() {
    let runs: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut request = Vec::new();
    std::io::stdin().read_to_end(&mut request).unwrap();
    let mut taken: Vec<_> = (0..runs)
        .map(|_| {
            let begin = Instant::now();
            std::hint::black_box(imagegate_playground::judged(&request));
            begin.elapsed().as_micros()
        })
        .collect();
    taken.sort_unstable();
    println!("{}", taken[runs / 2]);
}
