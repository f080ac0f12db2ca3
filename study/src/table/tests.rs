use std::io::Write;

use bonas_spaces::families::nasbench_macro::NasBenchMacro;
use bonas_spaces::families::nasbench101::NasBench101;
use bonas_spaces::families::nasbench201::{NasBench201, Uniqueness};
use bonas_spaces::testing::check_space;

use super::*;

fn reading(columns: &[&str]) -> Reading {
    Reading { columns: columns.iter().map(|c| c.parse().unwrap()).collect(), ..Reading::default() }
}

fn parse(csv: &str, reading: &Reading) -> Result<Benchmark, StudyError> {
    Benchmark::parse(csv.as_bytes(), Path::new("t.csv"), Arc::new(NasBenchMacro::new()), reading)
}

fn error(csv: &str, columns: &[&str]) -> String {
    parse(csv, &reading(columns)).unwrap_err().to_string()
}

const GOOD: &str = "arch,acc,seeds,params\n02012100,89.5,89;90,\n11111221,92.25,92;92.5,2181386\n";

#[test]
fn text_stays_text_and_cells_hold_seeds() {
    let table = parse(GOOD, &reading(&["acc", "seeds", "-acc", "acc,seeds"])).unwrap();
    assert_eq!(table.arms().iter().map(|arm| &*arm.text).collect::<Vec<_>>(), ["02012100", "11111221"]);
    let [acc, seeds, negated, both] = table.columns() else { panic!("four columns") };
    assert_eq!(acc.means(), [89.5, 92.25]);
    assert_eq!((seeds.runs(1), seeds.mean(1)), (&[92.0, 92.5][..], 92.25));
    assert_eq!(negated.means(), [-89.5, -92.25]);
    assert_eq!(both.runs(0), [89.5, 89.0, 90.0]);
    assert_eq!((acc.scale(), negated.scale()), (0.01, 1.0));
    let key = table.space().parse("11111221").unwrap().key();
    assert_eq!(
        (table.arm(key), table.arm_of_text("02012100"), table.arm_of_text("2012100")),
        (Some(1), Some(0), None)
    );
}

/// Measurements of one text in several rows, and of an isomorphic cell.
#[test]
fn rows_of_one_text_are_repeats_if_that_is_asked_for() {
    let csv = "arch,acc\n02012100,1\n11111221,5\n02012100,3\n02012100,5\n";
    let table = parse(csv, &Reading { merge: Merge::Repeats, ..reading(&["acc"]) }).unwrap();
    assert_eq!(table.columns()[0].means(), [3.0, 5.0]);
    assert_eq!((table.columns()[0].runs(0), table.arms()[0].rows), (&[1.0, 3.0, 5.0][..], 3));
    assert!(error(csv, &["acc"]).ends_with("(isomorphs = \"repeats\", --merge repeats)"));
}

/// A learning curve in one column: an epoch, the last one, and rows that end before.
#[test]
fn one_of_several_numbers_is_named_by_its_position() {
    let csv = "arch,loss,loss[2]\n02012100,3;2;1,7\n11111221,4;nan,8\n02012101,5;4;3,9\n";
    let skipping = |columns: &[&str]| Reading { skip_missing: true, ..reading(columns) };
    let table =
        parse(csv, &skipping(&["-loss[3]", "loss[1]", "loss[last]", "loss[1],loss[ 3]", "loss[2]"])).unwrap();
    let means: Vec<Vec<f64>> = table.columns().iter().map(Column::means).collect();
    let expected = [[-1.0, -3.0], [3.0, 5.0], [1.0, 3.0], [2.0, 4.0], [7.0, 9.0]];
    assert_eq!(means, expected.map(|column| column.to_vec()));
    assert_eq!(table.skipped().to_string(), "1 row left out: 1 without `loss[3]`");
    assert_eq!(parse(csv, &reading(&["loss[1]"])).unwrap().columns()[0].means(), [3.0, 4.0, 5.0]);
    assert!(error(csv, &["loss[last]"]).contains("column `loss[last]` is missing (\"nan\")"));
    assert!(error(csv, &["loss[3]"]).contains("column `loss[3]` is empty"));
    for unknown in ["loss[0]", "loss[x]", "lost[1]"] {
        assert!(error(csv, &[unknown]).contains("unknown column"), "{unknown}");
    }
}

#[test]
fn gzip_is_known_by_its_first_bytes_and_has_the_same_fingerprint() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(GOOD.as_bytes()).unwrap();
    let zipped = encoder.finish().unwrap();
    let open = |bytes: &[u8]| {
        Benchmark::parse(bytes, Path::new("t"), Arc::new(NasBenchMacro::new()), &reading(&["acc"]))
    };
    assert_eq!(open(&zipped).unwrap().fingerprint(), parse(GOOD, &reading(&["acc"])).unwrap().fingerprint());
    for cut in [zipped.len() - 1, zipped.len() - 9, 12] {
        let message = open(&zipped[..cut]).unwrap_err().to_string();
        assert!(message.starts_with("t: the gzip file is cut short or damaged after line"), "{message}");
        assert!(message.ends_with("fetch it again"), "{message}");
    }
}

/// A first line without an end is no header, however small it is packed, and unpacking ends at a limit.
#[test]
fn gzip_is_unpacked_as_far_as_it_can_be_a_table() {
    let zip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let open = |bytes: &[u8], unpacked| {
        let reading = Reading { unpacked, ..reading(&["acc"]) };
        let table = Benchmark::parse(bytes, Path::new("t"), Arc::new(NasBenchMacro::new()), &reading);
        table.map_err(|error| error.to_string())
    };
    let zeros = vec![0; 3 << 20];
    for bytes in [&zip(&zeros), &zeros, &zip(&zeros)[..2000]] {
        let error = open(bytes, None).unwrap_err();
        let cut = bytes.len() == 2000;
        let expected = if cut { "cut short" } else { "first line has more than 1048576 bytes" };
        assert!(error.contains(expected) && error.len() < 200, "{error}");
    }
    let rows = zip(GOOD.as_bytes());
    assert_eq!(open(&rows, Some(GOOD.len() as u64)).unwrap().arms().len(), 2);
    let error = open(&rows, Some(GOOD.len() as u64 - 1)).unwrap_err();
    assert!(error.contains("table.unpacked_megabytes"), "{error}");
}

#[test]
fn bad_rows_name_file_line_and_remedy() {
    for (csv, columns, expected) in [
        (
            "arch,acc\n02012100,1\n02012109,2\n",
            ["acc"],
            "t.csv line 3: cannot read \"02012109\" as a NAS-Bench-Macro",
        ),
        ("arch,acc\n2012100,1\n", ["acc"], "leading zeros count: keep the column as text"),
        (
            "arch,acc\n02012100,1\n02012100,2\n",
            ["acc"],
            "t.csv line 3: \"02012100\" is there a second time with acc = [2.0]; line 2 has [1.0]: remove one",
        ),
        (
            "arch,acc\n02012100,nan\n",
            ["acc"],
            "t.csv line 2: column `acc` is missing (\"nan\"); fill it in, or leave such rows out",
        ),
        ("arch,acc\n02012100,inf\n", ["acc"], "column `acc` is inf"),
        ("arch,acc\n02012100,high\n", ["acc"], "t.csv line 2: column `acc` is \"high\"; expected a number"),
        (
            "arch,acc\n02012100,\n",
            ["acc"],
            "t.csv line 2: column `acc` is empty; fill it in, or leave such rows out",
        ),
        ("arch,acc\n02012100\n", ["acc"], "t.csv line 2: 1 fields, the header has 2; the row is cut short"),
        ("arch,acc\n,1\n", ["acc"], "t.csv line 2: column `arch` is empty"),
        (
            "arch,acc\n02012100,1\n",
            ["ac"],
            "t.csv: unknown column `ac`; did you mean `acc`? (known: arch, acc)",
        ),
        ("cell,acc\n02012100,1\n", ["acc"], "unknown column `arch`"),
        ("arch,acc,acc\n02012100,1,2\n", ["acc"], "column `acc` is there 2 times; rename all but one"),
        ("arch,acc\n", ["acc"], "t.csv: the table has no row"),
        ("", ["acc"], "it is empty; give a CSV file whose first line names the columns"),
    ] {
        // However lines end.
        for csv in [csv.to_owned(), csv.replace('\n', "\r\n")] {
            let message = error(&csv, &columns);
            assert!(message.contains(expected), "{csv:?}: {message}");
        }
    }
}

#[test]
fn blank_lines_count() {
    for end in ["\n", "\r\n"] {
        let csv = "arch,acc\n\n02012100,1\n\n\n11111221,high\n".replace('\n', end);
        assert!(error(&csv, &["acc"]).contains("t.csv line 6: column `acc` is \"high\""), "{end:?}");
    }
}

#[test]
fn a_table_of_another_space_says_so() {
    let cell = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
    let message = error(&format!("arch,acc\n{cell},1\n"), &["acc"]);
    assert!(
        message.contains("line 2") && message.contains("name the table's own space (now macro)"),
        "{message}"
    );
}

#[test]
fn rows_without_a_number_are_left_out_on_demand_and_repeats_of_a_row_passed_over() {
    let reading = Reading { skip_missing: true, ..reading(&["params"]) };
    let table = parse(&format!("{GOOD}11111221,92.25,92;92.5,2181386\n"), &reading).unwrap();
    assert_eq!((table.arms().len(), table.skipped().total(), table.arms()[0].rows), (1, 2, 1));
    assert_eq!(table.skipped().to_string(), "2 rows left out: 1 without `params`, 1 repeated");
}

#[test]
fn limits_leave_rows_out() {
    let limited = |limit: &str| {
        let limits = vec![limit.parse().unwrap()];
        parse(GOOD, &Reading { limits, ..reading(&["acc"]) }).map(|t| (t.arms().len(), t.skipped().total()))
    };
    assert_eq!(limited("acc >= 90").unwrap(), (1, 1));
    assert_eq!(limited("seeds<=89.5").unwrap(), (1, 1));
    let message = limited("acc <= 1").unwrap_err().to_string();
    assert!(
        message.contains("no row is left: 2 rows left out: 2 beyond acc <= 1; ask for less"),
        "{message}"
    );
    assert!(limited("params <= 1").unwrap_err().to_string().contains("line 2: column `params` is empty"));
    assert!(limited("flops <= 1").unwrap_err().to_string().contains("unknown column `flops`"));
    assert!("acc < 1".parse::<Limit>().unwrap_err().contains("is no limit"));
}

/// Two isomorphic cells and another one.
const ISOMORPHS: &str = "arch,acc\n\
    |skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|,90\n\
    |skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|,92\n\
    |skip_connect~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|,80\n";

fn isomorphs(merge: Merge, rule: Uniqueness) -> Benchmark {
    let space = Arc::new(NasBench201::with_uniqueness(rule));
    let reading = Reading { merge, ..reading(&["acc"]) };
    Benchmark::parse(ISOMORPHS.as_bytes(), Path::new("i.csv"), space, &reading).unwrap()
}

#[test]
fn isomorphic_rows_merge_as_asked() {
    let mean = isomorphs(Merge::Mean, Uniqueness::Published);
    assert_eq!((mean.columns()[0].means(), mean.arms()[0].rows), (vec![91.0, 80.0], 2));
    assert_eq!(isomorphs(Merge::First, Uniqueness::Published).columns()[0].means(), [90.0, 80.0]);
    assert_eq!(isomorphs(Merge::Raw, Uniqueness::Published).columns()[0].means(), [90.0, 92.0, 80.0]);
    let raw = isomorphs(Merge::Raw, Uniqueness::Raw);
    assert_eq!(raw.arm(raw.arms()[1].architecture.key()), Some(1));
}

#[test]
fn a_tables_space_keeps_the_contract() {
    let merged = TableSpace::new(Arc::new(isomorphs(Merge::Mean, Uniqueness::Published)));
    check_space(&merged, 1, 20).unwrap();
    let space = NasBenchMacro::new();
    let text = |a: &Architecture| space.format(a).unwrap();
    let csv = |step| {
        let rows = space.enumerate().unwrap().step_by(step).map(|a| format!("{},1\n", text(&a)));
        format!("arch,acc\n{}", rows.collect::<String>())
    };
    for step in [1, 7, 500] {
        let table = TableSpace::new(Arc::new(parse(&csv(step), &reading(&["acc"])).unwrap()));
        check_space(&table, 2, 50).unwrap();
    }
}

#[test]
fn neighbours_in_a_sparse_table_are_the_nearest() {
    let csv = "arch,acc\n00000000,1\n00000001,1\n22222222,1\n22222111,1\n";
    let space = TableSpace::new(Arc::new(parse(csv, &reading(&["acc"])).unwrap()));
    let near = |text: &str| {
        let near = space.neighbours(&space.parse(text).unwrap()).unwrap();
        near.iter().map(|a| space.format(a).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(near("00000000"), ["00000001"], "one element away");
    assert_eq!(near("22222222").len(), 3, "none is one element away, and there are fewer than sixteen");
    let outside = NasBenchMacro::new().parse("11111111").unwrap();
    assert!(space.check(&outside).unwrap_err().to_string().contains("11111111 is not in the table t.csv"));
}

#[test]
fn nasbench101_cells_of_a_table_are_its_candidates() {
    let csv = "arch,hash,val1\n111|conv1x1-bn-relu,09fc,83.4\n111|conv3x3-bn-relu,d32d,93.8\n";
    let table = Benchmark::parse(
        csv.as_bytes(),
        Path::new("s1.csv"),
        Arc::new(NasBench101::new()),
        &reading(&["val1"]),
    );
    let space = TableSpace::new(Arc::new(table.unwrap()));
    check_space(&space, 3, 10).unwrap();
    assert_eq!(space.enumerate().unwrap().count(), 2);
}

#[test]
fn the_embedded_table_has_every_cell_without_pooling() {
    let reading = reading(&["val", "test", "params", "macs"]);
    let space = NasBench201::new();
    let table =
        Benchmark::parse(EMBEDDED, EMBEDDED_NAME.as_ref(), Arc::new(space.clone()), &reading).unwrap();
    let without_pooling = |cell: &Architecture| !space.format(cell).unwrap().contains("avg_pool");
    let cells = space.enumerate().unwrap().filter(without_pooling);
    let keys: std::collections::HashSet<Key> = cells.map(|cell| cell.key()).collect();
    assert_eq!(keys.len(), table.arms().len());
    assert!(table.arms().iter().all(|arm| keys.contains(&arm.architecture.key())));
    let [val, test, ..] = table.columns() else { panic!("four columns") };
    assert!((0..keys.len()).all(|arm| val.runs(arm).len() == 2 && test.runs(arm).len() == 2));
}

#[test]
fn what_is_missing_is_one_list_and_left_out_by_reason() {
    for missing in MISSING {
        for word in [missing.to_owned(), format!(" {} ", missing.to_uppercase())] {
            let csv = format!("arch,acc\n02012100,{word}\n11111221,1\n{word},2\n11111222,1;{word}\n");
            let message = error(&csv, &["acc"]);
            assert!(
                message.contains("t.csv line 2: column `acc` is ") && message.contains("--skip-missing"),
                "{message}"
            );
            let table = parse(&csv, &Reading { skip_missing: true, ..reading(&["acc"]) }).unwrap();
            assert_eq!(table.arms().len(), 1);
            assert_eq!(
                table.skipped().to_string(),
                "3 rows left out: 2 without `acc`, 1 without an architecture"
            );
        }
    }
    let csv = "arch,acc,params\n02012100,1,3\n11111221,1,na\n11111222,1,1\n";
    let limits = vec!["params <= 2".parse().unwrap()];
    let table = parse(csv, &Reading { limits, skip_missing: true, ..reading(&["acc"]) }).unwrap();
    let reasons: Vec<_> = table.skipped().reasons.iter().map(|s| (s.reason.clone(), s.rows)).collect();
    let expected = [(SkipReason::Beyond("params <= 2".into()), 1), (SkipReason::Missing("params".into()), 1)];
    assert_eq!(reasons, expected);
    let json = serde_json::to_string(table.skipped()).unwrap();
    assert!(json.starts_with(r#"[{"reason":"beyond","of":"params <= 2","rows":1},"#), "{json}");
    assert_eq!(serde_json::from_str::<Skipped>(&json).unwrap(), *table.skipped());
}

#[test]
fn tables_are_in_any_notation_and_a_header_may_name_it() {
    let open = |csv: &str| {
        let space = Arc::new(NasBench201::new());
        Benchmark::parse(csv.as_bytes(), Path::new("n.csv"), space, &reading(&["acc"]))
    };
    let mixed = open("arch,acc\n6111,1\n\"[(('skip', 0),), (('none', 0), ('none', 1)), (('none', 0), ('conv_3x3', 1), ('none', 2))]\",2\n").unwrap();
    assert_eq!(mixed.arms().len(), 2);
    let message = open("arch,acc\n333132,1\n").unwrap_err().to_string();
    assert!(
        message.contains("line 2") && message.contains("readings: digits (") && message.contains("arch:"),
        "{message}"
    );
    let digits = open("acc,arch:digits\n1,333132\n").unwrap();
    assert_eq!(digits.arms()[0].architecture, mixed.arms()[0].architecture);
    assert_eq!(&*digits.arms()[0].text, "digits:333132");
    let message = open("arch:morse,acc\n333132,1\n").unwrap_err().to_string();
    assert!(message.contains("unknown notation `morse`"), "{message}");
    assert!(open("arch,arch:index,acc\n1,1,1\n").unwrap_err().to_string().contains("several columns `arch`"));
}

/// The hash of the official package, in a table without a column of hashes.
#[test]
fn a_hash_is_looked_up_among_the_architectures() {
    let csv = "arch,acc\n111|conv1x1-bn-relu,83.4\n101|conv3x3-bn-relu,93.8\n";
    let table = Benchmark::parse(
        csv.as_bytes(),
        Path::new("h.csv"),
        Arc::new(NasBench101::new()),
        &reading(&["acc"]),
    );
    let table = table.unwrap();
    assert_eq!(table.find("b49ac8c578b4561d79ac7087988f1c61"), Ok(1));
    assert_eq!(table.find("B49AC8C578B4561D79AC7087988F1C61"), Ok(1));
    assert_eq!(table.find("[[[0, 1, 1], [0, 0, 1], [0, 0, 0]], ['conv1x1']]"), Ok(0));
    let message = table.find("28cfc7874f6d200472e1a9dcd8650aa0").unwrap_err().to_string();
    assert!(message.contains("is a hash, which cannot be read by itself"), "{message}");
    let hashes = "arch,acc\nb49ac8c578b4561d79ac7087988f1c61,83.4\n";
    let hashes = Benchmark::parse(
        hashes.as_bytes(),
        Path::new("h.csv"),
        Arc::new(NasBench101::new()),
        &reading(&["acc"]),
    );
    let message = hashes.unwrap_err().to_string();
    assert!(
        message.contains("h.csv line 2: ")
            && message
                .contains("is a hash, which does not say what the architecture is; column `arch` must have"),
        "{message}"
    );
    let message = table.find("1|").unwrap_err().to_string();
    assert!(message.contains("1| is not in the table h.csv"), "{message}");
    let space = TableSpace::new(Arc::new(table));
    let cell = space.parse("b49ac8c578b4561d79ac7087988f1c61").unwrap();
    assert_eq!(space.format(&cell).unwrap(), "101|conv3x3-bn-relu");
}

/// Tables as spreadsheets and other programs save them, and tables of hashes alone, are refused with what to do.
#[test]
fn headers_of_other_files_are_refused_with_advice() {
    for (csv, advice) in [
        ("arch;acc\n02012100;89,5\n", "its columns have semicolons between them: save it as CSV with commas"),
        ("arch\tacc\n02012100\t89.5\n", "its columns have tabs between them"),
        (
            "Module_Hash,acc\n28cf,1\n",
            "a hash does not say what the architecture is; column `arch` must have",
        ),
        ("cell,acc\n02012100,1\n", "the first line must name the columns, one of them `arch`"),
    ] {
        let message = error(csv, &["acc"]);
        assert!(message.contains("t.csv: unknown column `arch`") && message.contains(advice), "{message}");
    }
}
