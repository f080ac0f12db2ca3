use super::*;

fn shown(text: &str) -> String {
    fn show(literal: &Literal<'_>) -> String {
        let all = |items: &[Literal<'_>]| items.iter().map(show).collect::<Vec<_>>().join(" ");
        match &literal.value {
            Value::List(items) => format!("[{}]", all(items)),
            Value::Dict(pairs) => {
                let pairs: Vec<_> = pairs.iter().map(|(k, v)| format!("{}:{}", show(k), show(v))).collect();
                format!("{{{}}}", pairs.join(" "))
            }
            Value::Call { name, args, fields } => {
                let fields: Vec<_> = fields.iter().map(|(k, v)| format!(" {k}={}", show(v))).collect();
                format!("{name}({}{})", all(args), fields.concat())
            }
            _ => literal.to_string(),
        }
    }
    statement(text).map_or_else(|error| error, |literal| show(&literal))
}

#[test]
fn values_as_people_paste_them() {
    for (text, expected) in [
        ("[1, -2, 0.5]", "[1 -2 0.5]"),
        ("('a', \"b\", ‘c’, “d”, u'e')", r#"["a" "b" "c" "d" "e"]"#),
        ("(1)", "1"),
        ("(1,)", "[1]"),
        ("()", "[]"),
        (
            "x = gt.Genotype(  # a comment\n normal=[ ], n=range(2, 6),\n);",
            "Genotype( normal=[] n=range(2 6))",
        ),
        (r#"{"a": [1, 2], 'b': None}"#, r#"{"a":[1 2] "b":None}"#),
        ("np.array([[0, 1],\n [0, 0]], dtype=int8)", "array([[0 1] [0 0]] dtype=int8)"),
        ("[[0 1 1]\n [0 -1 0]]", "[[0 1 1] [0 -1 0]]"),
        ("[7] * 3 + 0", "nothing may follow the end, found '+' (line 1, column 9)"),
        ("{'ks': [3, 'a'] * 2}", r#"{"ks":[3 "a" 3 "a"]}"#),
        ("[[1] * 2] * 9", "only a list of numbers and texts is repeated (line 1, column 13)"),
        ("[1, 2] * 33", "a list of 2 is repeated 33 times (line 1, column 10)"),
        ("[1] * x", "expected a number of repetitions, found x (line 1, column 7)"),
        ("'it\\'s'", "\"it's\""),
        ("\u{feff}[1_000]\u{a0}", "[1000]"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn errors_name_line_and_column() {
    for (text, expected) in [
        ("", "expected a value, found the end of the text (line 1, column 1)"),
        ("[1,\n 2", "expected \"]\", found the end of the text (line 2, column 3)"),
        ("['a' 'b']", "expected \"]\", found '\\'' (line 1, column 6)"),
        ("['a", "the text that begins here has no end (line 1, column 2)"),
        ("[1] [2]", "nothing may follow the end, found '[' (line 1, column 5)"),
        ("[1x]", "\"1x\" is no number (line 1, column 2)"),
        ("{1}", "expected \":\", found '}' (line 1, column 3)"),
        ("[%]", "expected a value, found '%' (line 1, column 2)"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
    assert!(shown(&"[".repeat(100_000)).contains("more than 16 brackets are open (line 1, column 17)"));
}

#[test]
fn wrappers_and_ranges() {
    fn read(text: &str) -> Literal<'_> {
        statement(text).unwrap()
    }
    assert_eq!(read("np.int64(3)").number("a number"), Ok(3));
    assert_eq!(read("np.str_('a')").text("a name"), Ok("a"));
    assert_eq!(read("range(2, 6)").integers("nodes"), Ok(vec![2, 3, 4, 5]));
    assert_eq!(read("range(3)").integers("nodes"), Ok(vec![0, 1, 2]));
    assert_eq!(read("list(range(1, 3))").integers("nodes"), Ok(vec![1, 2]));
    assert_eq!(read("range(0, 99999999999)").integers("nodes").unwrap().len(), 64);
    assert_eq!(read("range(9223372036854775807, 0)").integers("nodes"), Ok(vec![]));
    assert_eq!(read("[0., 1., True, False]").integers("bits"), Ok(vec![0, 1, 1, 0]));
    assert!(read("[0.5]").integers("bits").is_err() && read("[1e300]").integers("bits").is_err());
    let fields = read("OrderedDict([('a', 1)])");
    assert_eq!(fields.fields("fields").unwrap()[0].0, "a");
    assert_eq!(read("-1").number("a node"), Err("expected a node, found -1 (line 1, column 1)".into()));
}

#[test]
fn arguments_without_their_call() {
    for text in ["a=[1, 2], b='c'", "a = [1, 2]\nb = 'c';"] {
        let read = arguments(text).unwrap();
        let fields = read.fields("fields").unwrap();
        assert_eq!(fields.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["a", "b"], "{text}");
    }
    assert_eq!(arguments("a=[1,\n x=]"), Err("expected \"]\", found '=' (line 2, column 3)".into()));
}
