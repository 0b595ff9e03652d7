//! What a pickle keeps of each field of a class with `pickle`.

use super::*;

/// The result for a class with `pickle` that breaks no rule.
fn checked<R>(input: &DeriveInput, show: impl FnOnce(Export) -> R) -> R {
    let ctxt = Ctxt::new();
    let input = Input::from_syn(&ctxt, input);
    show(check(ctxt, input.as_ref()).expect("no error"))
}

fn name_of(member: &Member) -> &Ident {
    let Member::Named(name) = member else { panic!("the fields have names") };
    name
}

#[test]
fn cells_are_kept_as_memory_whether_they_are_exported_or_not() {
    let input = parse_quote! {
        #[buffer(pickle)]
        struct S {
            r#type: u8,
            hidden: ExportCell<Vec<u8>>,
            #[buffer(get)]
            shown: Alias,
            #[buffer]
            own: ExportCell<Vec<u8>>,
            #[buffer(default)]
            scratch: ExportCell<Vec<u8>>,
            #[buffer(default)]
            count: AtomicU64,
            #[buffer(get, shape = [2], name = "p")]
            part: Py<Other>,
        }
    };
    let kept = checked(&input, |export| {
        let fields = export.pickle.expect("it is pickled").fields;
        fields.into_iter().map(|field| (field.name, field.kind)).collect::<Vec<_>>()
    });
    let exported = checked(&input, |export| {
        let fields = export.fields.iter();
        fields.map(|field| (name_of(field.member).to_string(), field.readonly)).collect::<Vec<_>>()
    });
    let expected = [
        ("type", Kept::Value),
        ("hidden", Kept::Memory(1)),
        ("shown", Kept::Memory(2)),
        ("own", Kept::Memory(0)),
        ("scratch", Kept::Nothing),
        ("count", Kept::Nothing),
        ("part", Kept::Value),
    ];
    assert_eq!(kept, expected.map(|(name, kind)| (name.to_owned(), kind)));
    let expected = [("own", false), ("hidden", true), ("shown", false), ("part", false)];
    assert_eq!(exported, expected.map(|(name, readonly)| (name.to_owned(), readonly)));
}

#[test]
fn a_default_marks_no_field() {
    accepted(&parse_quote! {
        #[buffer(pickle)]
        struct S {
            data: ExportCell<Vec<u8>>,
            #[buffer(default)]
            scratch: ExportCell<Vec<u8>>,
            #[buffer(default)]
            more: u8,
        }
    });
    accepted(&parse_quote!(
        #[buffer(pickle)]
        struct S(#[buffer(default)] ExportCell<Vec<u8>>);
    ));
}

#[test]
fn without_pickle_there_is_no_default() {
    assert_eq!(
        error(&parse_quote! {
            struct S {
                data: ExportCell<Vec<u8>>,
                #[buffer(default)]
                more: u8,
            }
        }),
        "`default` is how a field of an unpickled object begins; write `#[buffer(pickle)]` above the struct, or remove \
         `default`"
    );
}
