//! Whatever a replica is said to remember is refused, or is a list of uses from which a proposal can be
//! made that refuses none of them but those that it says it left out.
#![no_main]

use imagegate_core::policy::{Documents, compile};
use imagegate_core::usage::{Fit, Impact, Inventory, Proposal, Remembered};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(remembered) = Remembered::parse(text) else { return };
    let mut inventory = Inventory::default();
    for (usage, _) in remembered.usages() {
        inventory.add(&usage);
    }
    let Ok(proposal) = Proposal::of(inventory.usages(), Fit::Balanced) else { return };
    let (policy, _) = compile(&Documents::full_form(proposal.yaml()))
        .unwrap_or_else(|problems| panic!("{}\n{problems}", proposal.yaml()));
    let denied = Impact::between(None, &policy, inventory.usages(), 0).newly_denied;
    for hit in denied.most_frequent {
        assert!(proposal.left_out.iter().any(|image| *image == hit.image), "{}", hit.image);
    }
});
