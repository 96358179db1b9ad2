//! `make install` puts the binary where `PREFIX` says, and says what to do if that is not in `PATH`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Runs `make install` with a `cargo` that copies this test's own binary instead of compiling it.
fn make_install(home: &Path, prefix: &str, path: &str) -> String {
    let cargo = home.join("tools/cargo");
    fs::create_dir_all(cargo.parent().unwrap()).unwrap();
    let binary = env!("CARGO_BIN_EXE_imagegate");
    let manual = Path::new(binary).with_file_name("examples").join("manual");
    let script = format!(
        "#!/bin/sh\nset -e\n\
         case \"$*\" in\n\
         *--example*)\n\
         examples=\"$CARGO_TARGET_DIR/debug/examples\"\n\
         mkdir -p \"$examples\"\n\
         cp '{}' \"$examples/manual\"\n\
         echo 'echo kubectl-imagegate >\"$1/man/kubectl-imagegate.1\"' >\"$examples/plugin_manual\"\n\
         chmod +x \"$examples/plugin_manual\"\n\
         exit ;;\n\
         esac\n\
         mkdir -p \"$CARGO_TARGET_DIR/release\"\n\
         cp '{binary}' \"$CARGO_TARGET_DIR/release/imagegate\"\n\
         cp '{binary}' \"$CARGO_TARGET_DIR/release/kubectl-imagegate\"\n",
        manual.display()
    );
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let tools = cargo.parent().unwrap().display();
    let mut make = Command::new("make");
    make.args(["install", "CARGO_TARGET_DIR=target"]).arg(format!("PREFIX={prefix}"));
    let makefile = Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile");
    let output = make
        .arg("--file")
        .arg(makefile)
        .current_dir(home)
        .env("HOME", home)
        .env("CARGO_TARGET_DIR", "target")
        .env("PATH", format!("{tools}:{path}:{}", std::env::var("PATH").unwrap()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_binary_is_installed_below_the_prefix() {
    let home = TempDir::new().unwrap();
    for (prefix, bin) in [("~/.local", ".local/bin"), ("elsewhere", "elsewhere/bin")] {
        let said = make_install(home.path(), prefix, "/none");
        let installed = home.path().join(bin).join("imagegate");
        for plugin in ["kubectl-imagegate", "kubectl_complete-imagegate"] {
            let path = home.path().join(bin).join(plugin);
            assert!(fs::metadata(&path).unwrap().permissions().mode() & 0o111 != 0, "{plugin}");
        }
        let ran = Command::new(&installed).arg("--version").output().unwrap();
        let version = String::from_utf8(ran.stdout).unwrap();
        assert!(said.contains(version.trim()), "{said}");
        assert!(said.contains("is not in PATH; run: export PATH=\""), "{said}");
        let share = installed.parent().unwrap().with_file_name("share");
        for file in [
            "man/man1/imagegate.1",
            "man/man1/imagegate-check.1",
            "man/man1/kubectl-imagegate.1",
            "bash-completion/completions/imagegate",
            "zsh/site-functions/_imagegate",
            "fish/vendor_completions.d/imagegate.fish",
        ] {
            let text = fs::read_to_string(share.join(file)).unwrap();
            assert!(text.contains("imagegate"), "{file}");
        }
    }
}

#[test]
fn nothing_is_said_of_a_directory_that_is_in_the_path() {
    let home = TempDir::new().unwrap();
    let bin = home.path().join(".local/bin");
    let said = make_install(home.path(), "~/.local", bin.to_str().unwrap());
    assert!(said.contains("installed imagegate ") && !said.contains("export PATH"), "{said}");
}
