//! spike
fn main() {
    for f in std::env::args().skip(1) {
        let t = std::fs::read_to_string(&f).unwrap();
        let s = std::time::Instant::now();
        let r = imagegate_core::policy::format(&t);
        let e = s.elapsed();
        match r {
            Ok(o) => {
                print!("{o}");
                let again = imagegate_core::policy::format(&o).unwrap();
                if again != o {
                    println!("NOT IDEMPOTENT\n{again}")
                }
            }
            Err(e) => println!("{e:?}"),
        }
        eprintln!("{f} {e:?}");
    }
}
