//! The languages whose code is coloured.

/// What stands behind a name of a value.
pub(super) enum Keys {
    None,
    Before(char),
}

/// What the lexer knows of a language.
pub(super) struct Language {
    /// As written behind a fence; the first one is shown.
    pub(super) names: &'static [&'static str],
    pub(super) line_comments: &'static [&'static str],
    pub(super) block_comments: &'static [(&'static str, &'static str)],
    /// Longer beginnings first.
    pub(super) strings: &'static [(&'static str, &'static str)],
    /// Separated by spaces, like `types`.
    pub(super) keywords: &'static str,
    pub(super) types: &'static str,
    /// Marks that begin a word: `$name`, `@name`, `#name`.
    pub(super) sigils: &'static str,
    /// Marks inside words, besides letters, digits and the underscore.
    pub(super) word_characters: &'static str,
    pub(super) keys: Keys,
    pub(super) has_calls: bool,
    pub(super) has_capital_types: bool,
    pub(super) has_lifetimes: bool,
    pub(super) has_hex_colours: bool,
    pub(super) ignores_case: bool,
    pub(super) is_markup: bool,
}

/// A C-like language without words.
const BASE: Language = Language {
    names: &[],
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    strings: &[("\"", "\""), ("'", "'")],
    keywords: "",
    types: "",
    sigils: "",
    word_characters: "",
    keys: Keys::None,
    has_calls: true,
    has_capital_types: true,
    has_lifetimes: false,
    has_hex_colours: false,
    ignores_case: false,
    is_markup: false,
};

/// The language of a fence; `name` is in lower case.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    LANGUAGES
        .iter()
        .find(|language| language.names.contains(&name))
}

pub(super) static LANGUAGES: [Language; 18] = [
    Language {
        names: &["rust", "rs"],
        strings: &[
            ("r##\"", "\"##"),
            ("r#\"", "\"#"),
            ("r\"", "\""),
            ("b\"", "\""),
            ("\"", "\""),
        ],
        keywords: "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self static struct super trait true type union unsafe use where while yield",
        types: "Self bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize",
        has_lifetimes: true,
        ..BASE
    },
    Language {
        names: &["js", "javascript", "jsx", "mjs", "cjs"],
        strings: &[("\"", "\""), ("'", "'"), ("`", "`")],
        keywords: "async await break case catch class const continue debugger default delete do else export extends false finally for from function get if import in instanceof let new null of return set static super switch this throw true try typeof undefined var void while with yield",
        sigils: "@",
        word_characters: "$",
        ..BASE
    },
    Language {
        names: &["ts", "typescript", "tsx", "mts"],
        strings: &[("\"", "\""), ("'", "'"), ("`", "`")],
        keywords: "abstract as async await break case catch class const continue declare default delete do else enum export extends false finally for from function get if implements import in infer instanceof interface is keyof let namespace new null of override private protected public readonly return satisfies set static super switch this throw true try type typeof undefined var void while yield",
        types: "any bigint boolean never number object string symbol unknown",
        sigils: "@",
        word_characters: "$",
        ..BASE
    },
    Language {
        names: &["python", "py", "python3"],
        line_comments: &["#"],
        block_comments: &[],
        strings: &[
            ("\"\"\"", "\"\"\""),
            ("'''", "'''"),
            ("r\"", "\""),
            ("r'", "'"),
            ("\"", "\""),
            ("'", "'"),
        ],
        keywords: "False None True and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return self try while with yield",
        types: "bool bytes dict float frozenset int list object set str tuple",
        sigils: "@",
        ..BASE
    },
    Language {
        names: &["go", "golang"],
        strings: &[("\"", "\""), ("`", "`"), ("'", "'")],
        keywords: "break case chan const continue default defer else fallthrough false for func go goto if import interface iota map nil package range return select struct switch true type var",
        types: "any bool byte complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr",
        has_capital_types: false,
        ..BASE
    },
    Language {
        names: &["java"],
        strings: &[("\"\"\"", "\"\"\""), ("\"", "\""), ("'", "'")],
        keywords: "abstract assert break case catch class continue default do else enum extends false final finally for if implements import instanceof interface native new null package permits private protected public record return sealed static super switch synchronized this throw throws transient true try var void volatile while yield",
        types: "boolean byte char double float int long short",
        sigils: "@",
        ..BASE
    },
    Language {
        names: &["kotlin", "kt", "kts"],
        strings: &[("\"\"\"", "\"\"\""), ("\"", "\""), ("'", "'")],
        keywords: "abstract as break by catch class companion const constructor continue data do else enum false finally for fun if import in init inline interface internal is lateinit null object open operator out override package private protected public return sealed super suspend this throw true try typealias val var when where while",
        sigils: "@",
        ..BASE
    },
    Language {
        names: &["c", "h", "cpp", "c++", "cc", "hpp", "cxx"],
        keywords: "alignas alignof auto break case catch class concept const consteval constexpr continue co_await co_return co_yield decltype default delete do else enum explicit extern false final for friend goto if inline mutable namespace new noexcept nullptr NULL operator override private protected public register requires restrict return sizeof static static_assert struct switch template this throw true try typedef typename union using virtual volatile while",
        types: "bool char double float int int8_t int16_t int32_t int64_t long short signed size_t ssize_t string uint8_t uint16_t uint32_t uint64_t unsigned vector void wchar_t",
        sigils: "#",
        ..BASE
    },
    Language {
        names: &["csharp", "cs", "c#"],
        strings: &[
            ("\"\"\"", "\"\"\""),
            ("@\"", "\""),
            ("$\"", "\""),
            ("\"", "\""),
            ("'", "'"),
        ],
        keywords: "abstract as async await base break case catch class const continue default delegate do else enum event explicit extern false finally fixed for foreach get goto if implicit in init interface internal is lock namespace new null operator out override params private protected public readonly record ref return sealed set sizeof static struct switch this throw true try typeof unchecked unsafe using var virtual void volatile when where while yield",
        types: "bool byte char decimal double dynamic float int long object sbyte short string uint ulong ushort",
        sigils: "#",
        ..BASE
    },
    Language {
        names: &["sh", "bash", "shell", "zsh", "console"],
        line_comments: &["#"],
        block_comments: &[],
        strings: &[("\"", "\""), ("'", "'")],
        keywords: "break case cd continue do done echo elif else esac eval exec exit export fi for function if in local printf read readonly return set shift source then trap unset until while",
        sigils: "$",
        word_characters: "-",
        has_capital_types: false,
        has_calls: false,
        ..BASE
    },
    Language {
        names: &["sql", "postgresql", "sqlite", "mysql"],
        line_comments: &["--"],
        strings: &[("'", "'"), ("\"", "\""), ("`", "`")],
        keywords: "add all alter and any as asc begin between by cascade case check column commit conflict constraint create cross database default delete desc distinct do drop else end except exists explain false foreign from full group having if in index inner insert intersect into is join key left like limit not null offset on or order outer over partition primary recursive references returning right rollback select set table then transaction trigger true union unique update using values view when where with",
        types: "bigint blob boolean bytea char date decimal double float integer int json jsonb numeric real serial smallint text time timestamp timestamptz uuid varchar",
        has_capital_types: false,
        ignores_case: true,
        ..BASE
    },
    Language {
        names: &["json", "json5", "jsonc"],
        keywords: "true false null",
        keys: Keys::Before(':'),
        has_calls: false,
        has_capital_types: false,
        ..BASE
    },
    Language {
        names: &["html", "xml", "svg", "xhtml", "vue"],
        line_comments: &[],
        block_comments: &[("<!--", "-->")],
        word_characters: "-:@.",
        has_calls: false,
        is_markup: true,
        ..BASE
    },
    Language {
        names: &["css", "scss", "less"],
        line_comments: &[],
        keywords: "@charset @container @font-face @import @keyframes @layer @media @page @property @supports and from not only or to !important",
        sigils: "@$",
        word_characters: "-",
        keys: Keys::Before(':'),
        has_capital_types: false,
        has_hex_colours: true,
        ..BASE
    },
    Language {
        names: &["toml", "ini"],
        line_comments: &["#"],
        block_comments: &[],
        strings: &[
            ("\"\"\"", "\"\"\""),
            ("'''", "'''"),
            ("\"", "\""),
            ("'", "'"),
        ],
        keywords: "true false",
        word_characters: "-.",
        keys: Keys::Before('='),
        has_calls: false,
        has_capital_types: false,
        ..BASE
    },
    Language {
        names: &["yaml", "yml"],
        line_comments: &["#"],
        block_comments: &[],
        keywords: "true false null yes no on off",
        word_characters: "-.",
        keys: Keys::Before(':'),
        has_calls: false,
        has_capital_types: false,
        ..BASE
    },
    Language {
        names: &["ruby", "rb"],
        line_comments: &["#"],
        block_comments: &[("=begin", "=end")],
        strings: &[("\"", "\""), ("'", "'"), ("`", "`")],
        keywords: "alias and begin break case class def defined? do else elsif end ensure extend false for if in include loop module next nil not or private protected public puts raise redo require require_relative rescue retry return self super then true undef unless until when while yield attr_accessor attr_reader attr_writer",
        sigils: "@$",
        word_characters: "?!",
        ..BASE
    },
    Language {
        names: &["php"],
        line_comments: &["//", "#"],
        keywords: "abstract and array as break callable case catch class clone const continue declare default do echo else elseif empty enum extends false final finally fn for foreach function global goto if implements include instanceof interface isset list match namespace new null or print private protected public readonly require require_once return static switch throw trait true try unset use var while yield",
        types: "bool float int iterable mixed never object string void",
        sigils: "$",
        ..BASE
    },
];
