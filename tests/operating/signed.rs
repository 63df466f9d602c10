//! Signed policies: the signatures themselves, and a proxy that asks for them.

use std::fs;
use std::path::Path;
use std::process::Command;

use guilloche::policy::signature::{PolicyKey, PublicKey, Signers};
use guilloche::secret::Secret;
use serde_json::Value;

use crate::support::{Machine, Running, free_address, told};

fn hex(text: &str) -> Vec<u8> {
    let digit = |it: u8| char::from(it).to_digit(16).unwrap();
    let byte = |pair: &[u8]| pair.iter().fold(0, |sum, it| sum * 16 + digit(*it));
    text.as_bytes().chunks_exact(2).map(|pair| u8::try_from(byte(pair)).unwrap()).collect()
}

// Break it: hash the text before it is signed, as Ed25519ph does.
#[test]
fn signatures_are_those_of_rfc_8032() {
    let vectors: Value = serde_json::from_str(include_str!("../kat/ed25519.json")).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let bytes = |name: &str| hex(vector[name].as_str().unwrap());
        let key = PolicyKey::new(Secret::new(bytes("secret").try_into().unwrap()));
        let public = PublicKey::new(bytes("public").try_into().unwrap());
        let (message, signature) = (bytes("message"), bytes("signature"));
        assert_eq!(key.public(), public);
        assert_eq!(key.sign(&message), signature);
        assert!(public.verify(&message, &signature));
        // Not of another text, and not with any bit changed.
        assert!(!public.verify(&[message.as_slice(), b"\n"].concat(), &signature));
        for bit in 0..signature.len() * 8 {
            let mut other = signature.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!public.verify(&message, &other), "bit {bit}");
        }
        // The same point with a scalar above the order of the group (RFC 8032 §5.1.7, step 1).
        let mut malleable = signature.clone();
        let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut carry = 0;
        for (byte, of_order) in malleable[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(of_order) + carry;
            *byte = u8::try_from(sum & 0xff).unwrap();
            carry = sum >> 8;
        }
        assert!(!public.verify(&message, &malleable));
    }
    assert!(Signers::default().verify(b"", &[0; 64]).is_err());
}

fn openssl(machine: &Machine, line: &str) -> Option<String> {
    Command::new("openssl").arg("version").output().ok()?;
    Some(machine.shell(line).0)
}

/// An oracle of another hand: what either program signs the other one takes, by keys of either.
#[test]
fn keys_and_signatures_are_exchanged_with_openssl() {
    let machine = Machine::new("openssl");
    let line = "openssl genpkey -algorithm ed25519 -out theirs.pem && chmod 600 theirs.pem &&
                openssl pkey -in theirs.pem -pubout -out theirs.pub.pem";
    if openssl(&machine, line).is_none() {
        return;
    }
    machine.shell("guilloche policy keygen --key ours.pem --public ours.pub.pem");
    fs::copy("policies/graded.toml", machine.folder.join("p.toml")).unwrap();
    for key in ["ours", "theirs"] {
        machine.shell(&format!("guilloche policy sign --key {key}.pem p.toml"));
        machine.shell(&format!(
            "base64 -d p.toml.sig > raw.sig && openssl pkeyutl -verify -rawin -pubin \
             -inkey {key}.pub.pem -in p.toml -sigfile raw.sig"
        ));
        // As the documentation has it, and as the bytes that openssl writes.
        machine
            .shell(&format!("openssl pkeyutl -sign -rawin -inkey {key}.pem -in p.toml > raw.sig"));
        for written in ["base64 raw.sig > p.toml.sig", "cp raw.sig p.toml.sig"] {
            machine.shell(written);
            machine.shell(&format!("guilloche policy check --signed-by {key}.pub.pem p.toml"));
        }
    }
}

/// A proxy that asks for signatures, set up as somebody would.
fn set_up(name: &str) -> (Machine, String) {
    let machine = Machine::new(name);
    let listen = free_address();
    machine.shell(&format!("guilloche init --listen {listen}"));
    machine.shell("guilloche policy keygen --key sign.pem --public sign.pub.pem");
    let text = fs::read_to_string(machine.folder.join("guilloche.toml")).unwrap();
    let text = text.replace(
        "file = \"policy.toml\"\n",
        "file = \"policy.toml\"\nrequire_signature = [\"sign.pub.pem\"]\nhistory = \"served\"\n\
         history_max = 3\n",
    );
    machine.write("guilloche.toml", &text);
    (machine, text)
}

fn check(machine: &Machine) -> (i32, String) {
    let (status, _, error) = told(&machine.guilloche(&["serve", "--check"]).output().unwrap());
    (status, error)
}

// Break it: load the policy of `stack` without its signers.
#[test]
fn a_policy_that_is_not_signed_as_it_is_is_refused() {
    let (machine, _) = set_up("signed");
    let (status, error) = check(&machine);
    assert!(status == 2 && error.contains("policy.toml.sig: No such file"), "{error}");
    assert!(error.contains("`guilloche policy sign`"), "{error}");
    let sign = "guilloche policy sign --key sign.pem policy.toml";
    let (said, _) = machine.shell(sign);
    assert!(said.starts_with("policy.toml: policy \"main\", revision "), "{said}");
    assert_eq!(check(&machine).0, 0);
    // One byte more, another one's signature, and what is none.
    let policy = fs::read_to_string(machine.folder.join("policy.toml")).unwrap();
    machine.write("policy.toml", &(policy.clone() + "\n"));
    let (status, error) = check(&machine);
    assert!(status == 2 && error.contains("its signature is not one of"), "{error}");
    machine.write("policy.toml", &policy);
    machine.shell("guilloche policy keygen --key other.pem --public other.pub.pem");
    machine.shell("guilloche policy sign --key other.pem policy.toml");
    assert_eq!(check(&machine).0, 2);
    machine.write("policy.toml.sig", "not a signature\n");
    let (status, error) = check(&machine);
    assert!(status == 2 && error.contains("64 bytes in Base64"), "{error}");
    // What is no policy is not signed, and a key that others can read does not sign.
    machine.write("bad.toml", "version = 7\n");
    let line = ["policy", "sign", "--key", "sign.pem", "bad.toml"];
    assert_eq!(told(&machine.guilloche(&line).output().unwrap()).0, 1);
    machine.shell("chmod 644 sign.pem");
    let output = machine.command("sh").args(["-c", sign]).output().unwrap();
    assert!(told(&output).2.contains("chmod 600"));
}

// Break it: load experiments without the signers.
#[test]
fn an_experiment_and_the_policies_of_its_arms_have_to_be_signed_too() {
    let (machine, text) = set_up("signed-experiment");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/withhold-reasoning.toml");
    let experiment = fs::read_to_string(&file).unwrap();
    let policies: Vec<&str> = experiment
        .lines()
        .filter_map(|line| line.trim().strip_prefix("policy = \"")?.split('"').next())
        .collect();
    assert_eq!(policies.len(), 2, "{experiment}");
    let mut written = experiment.clone();
    for (number, policy) in policies.iter().enumerate() {
        let name = format!("arm-{number}.toml");
        fs::copy(file.with_file_name(policy), machine.folder.join(&name)).unwrap();
        written = written.replace(policy, &name);
    }
    machine.write("experiment.toml", &written);
    let more = "[experiments]\nfiles = [\"experiment.toml\"]\nstate_dir = \"state\"\n";
    machine.write("guilloche.toml", &(text + more));
    let sign = |name: &str| machine.shell(&format!("guilloche policy sign --key sign.pem {name}"));
    sign("policy.toml");
    for (name, missing) in [
        ("arm-0.toml", "experiment.toml.sig"),
        ("experiment.toml", "experiment.toml.sig"),
        ("arm-1.toml", "arm-1.toml.sig"),
    ] {
        let (status, error) = check(&machine);
        assert!(status == 2 && error.contains(missing), "{missing}: {error}");
        sign(name);
    }
    let (status, error) = check(&machine);
    assert_eq!(status, 0, "{error}");
}

/// Serves what is there for a moment.
fn serve(machine: &Machine) {
    let (mut proxy, _) = Running::start(machine.guilloche(&["serve"]), "serving");
    machine.shell(&format!("kill {}", proxy.child.id()));
    assert!(proxy.child.wait().unwrap().success());
}

// Break it: keep the policy without its signature, or write it before it.
#[test]
fn a_policy_that_was_served_is_put_back_whole_with_its_signature() {
    let (machine, _) = set_up("rollback");
    let policy = machine.folder.join("policy.toml");
    let first = fs::read_to_string(&policy).unwrap();
    let version = |number: usize| format!("{first}\n# Version {number}.\n");
    let put = |number: usize| {
        machine.write("policy.toml", &version(number));
        machine.shell("guilloche policy sign --key sign.pem policy.toml");
    };
    let roll = |arguments: &[&str]| {
        let mut command = machine.guilloche(&["policy", "rollback"]);
        told(&command.args(arguments).output().unwrap())
    };
    let listed = || -> Vec<String> {
        let (status, list, error) = roll(&["--list"]);
        assert_eq!((status, error.as_str()), (0, ""));
        list.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    let present = || fs::read_to_string(&policy).unwrap();
    assert_eq!(roll(&[]).0, 1, "nothing has been served");
    for number in 1..=4 {
        put(number);
        serve(&machine);
        // The same one again is no other one.
        serve(&machine);
    }
    // The oldest has made room.
    let revisions = listed();
    assert_eq!(revisions.len(), 3);
    assert_eq!(machine.files().iter().filter(|name| name.starts_with("served/")).count(), 6);
    // What is there now was never served, and is no policy at all.
    machine.write("policy.toml", "broken");
    let (status, said, error) = roll(&[]);
    assert_eq!((status, error.as_str()), (0, ""), "{said}");
    assert!(said.contains(&format!("revision {}", revisions[0])), "{said}");
    assert_eq!(present(), version(4));
    assert_eq!(check(&machine).0, 0, "its signature came with it");
    // What the history lacks is kept.
    let kept = machine.files().into_iter().find(|it| it.starts_with("policy.toml.unserved-"));
    let kept = kept.unwrap();
    assert!(said.contains(&kept), "{said}");
    assert_eq!(fs::read_to_string(machine.folder.join(&kept)).unwrap(), "broken");
    // From the last one to the one before it, and to any of them.
    let unserved = || machine.files().iter().filter(|it| it.contains(".unserved-")).count();
    let before = unserved();
    assert_eq!(roll(&[]).0, 0);
    assert_eq!((present(), unserved()), (version(3), before));
    assert_eq!(roll(&["--to", &revisions[2]]).0, 0);
    assert_eq!(present(), version(2));
    serve(&machine);
    assert_eq!(listed(), [&*revisions[2], &revisions[0], &revisions[1]]);
    assert_eq!(roll(&["--to", "000000000000"]).0, 1);
    // What somebody has changed in the folder is not put back.
    let kept =
        machine.files().into_iter().find(|name| name.ends_with(&format!("{}.toml", revisions[0])));
    machine.write(&kept.unwrap(), &version(9));
    let (status, _, error) = roll(&["--to", &revisions[0]]);
    assert!(status == 2 && error.contains("its signature is not one of"), "{error}");
    assert_eq!(present(), version(2));
    // Nothing is left lying about.
    assert!(!machine.files().iter().any(|name| name.contains(".new-")), "{:?}", machine.files());
}

// Break it: read the policy of a reload without its signers, or keep it before it decides.
#[test]
fn a_reload_takes_what_is_signed_and_keeps_it_and_refuses_what_is_not() {
    let (machine, _) = set_up("signed-reload");
    machine.shell("guilloche policy sign --key sign.pem policy.toml");
    let (mut proxy, _) = Running::start(machine.guilloche(&["serve"]), "serving");
    let process = proxy.child.id().to_string();
    let mut reload = |sign: &str| {
        machine.shell(&format!("kill -HUP {process}"));
        proxy.until(sign)
    };
    let first = fs::read_to_string(machine.folder.join("policy.toml")).unwrap();
    machine.write("policy.toml", &first.replace("mode = \"observe\"", "mode = \"enforce\""));
    let told = reload("its signature is not one of");
    assert!(told.contains("what decided goes on"), "{told}");
    machine.shell("guilloche policy sign --key sign.pem policy.toml");
    reload("another configuration decides");
    machine.shell("guilloche policy rollback");
    reload("another configuration decides");
    assert_eq!(fs::read_to_string(machine.folder.join("policy.toml")).unwrap(), first);
    assert_eq!(machine.shell("guilloche policy rollback --list").0.lines().count(), 2);
}
