//! The key file of the data folder.

use std::fs;

use hipflask_demo::kept_key;

#[test]
fn key_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new/data");
    let made = kept_key(&data).unwrap();
    assert!(made.check().is_ok());
    let read = kept_key(&data).unwrap();
    assert_eq!(made.ring().current().as_bytes(), read.ring().current().as_bytes());
    let names: Vec<_> =
        fs::read_dir(&data).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["secret_key"]);
    let text = fs::read(data.join("secret_key")).unwrap();
    assert_eq!(text.trim_ascii_end(), made.ring().current().as_bytes());
}

#[test]
fn key_differs_from_folder_to_folder() {
    let [one, two] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [one, two] = [one, two].map(|folder| kept_key(folder.path()).unwrap());
    assert_ne!(one.ring().current().as_bytes(), two.ring().current().as_bytes());
}

#[test]
fn key_file_that_is_empty_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret_key"), "\n").unwrap();
    let error = kept_key(folder.path()).unwrap_err().to_string();
    assert!(error.contains("secret_key"), "{error}");
}

#[cfg(unix)]
#[test]
fn key_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
    kept_key(&data).unwrap();
    assert_eq!((mode("secret_key"), mode("")), (0o600, 0o700));
    let careless = fs::Permissions::from_mode(0o644);
    fs::set_permissions(data.join("secret_key"), careless).unwrap();
    kept_key(&data).unwrap();
    assert_eq!(mode("secret_key"), 0o600);
}
