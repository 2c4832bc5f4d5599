/** Each converter on literals: what it yields, or the error it gives. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { double, isDouble } from '../data/value.ts'
import { compileValue } from './compile.ts'
import { Frame } from './frame.ts'
import { testHost } from './testing.ts'
import { Duration, Time } from './time.ts'
import { formatTime } from './time-text.ts'
import { Id, type OttlValue } from './values.ts'

function evaluate(expression: string): OttlValue {
  return compileValue(expression, 'log').get(new Frame(testHost()))
}

function plain(value: OttlValue): unknown {
  if (isDouble(value)) return `double ${value.double}`
  if (value instanceof Time) return formatTime(value, 'rfc3339')
  if (value instanceof Duration) return String(value)
  if (value instanceof Id) return `${value.kind} ${value.hex}`
  return value
}

type Table = readonly (readonly [expression: string, expected: unknown])[]

function yields(name: string, table: Table): void {
  test(name, () => {
    for (const [expression, expected] of table) {
      let actual: unknown
      try {
        actual = plain(evaluate(expression))
      } catch (error) {
        actual = error
      }
      if (expected instanceof RegExp) {
        assert.ok(actual instanceof Error, `${expression} gives no error but ${String(actual)}`)
        assert.match(actual.message, expected, expression)
      } else if (actual instanceof Error) throw new Error(`${expression}: ${actual.message}`, { cause: actual })
      else assert.deepEqual(actual, expected, expression)
    }
  })
}

yields('types are told apart and converted as in Go', [
  ['IsInt(1)', true],
  ['IsInt(1.0)', false],
  ['IsDouble(1.0)', true],
  ['IsDouble(1.5)', true],
  ['IsBool(false)', true],
  ['IsString(nil)', false],
  ['IsMap({})', true],
  ['IsList([1])', true],
  ['IsEmpty("")', true],
  ['IsEmpty(0)', true],
  ['IsEmpty([0])', false],
  ['Int("12")', 12],
  ['Int("2.0")', null],
  ['Int(-2.9)', -2],
  ['Int(true)', 1],
  ['Int("9223372036854775807")', 9_223_372_036_854_775_807n],
  ['Int("9223372036854775808")', null],
  ['Double("2")', 'double 2'],
  ['Double("x")', null],
  ['Double(9223372036854775807)', 2 ** 63],
  ['Bool("t")', true],
  ['Bool("yes")', null],
  ['Bool(0.0)', false],
  ['String(1.0)', '1'],
  ['String(1e21)', /unexpected/],
  ['String(1000000000000000000000.0)', '1000000000000000000000'],
  ['String(0x0a0b)', '0a0b'],
  ['String({"b": 1, "a": [true, nil]})', '{"a":[true,null],"b":1}'],
  ['String(nil)', null],
  ['String(TraceID(0x0102030405060708090a0b0c0d0e0f10))', '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]'],
  ['Len("é")', 2],
  ['Len([1, 2])', 2],
  ['Len({"a": 1})', 1],
  ['Len(1)', /target arg must be of type/],
  ['Coalesce([nil, "a", "b"])', 'a'],
  ['Coalesce([nil])', null],
  ['Coalesce([])', /at least one value is required/],
  ['Hex(1.0)', '3ff0000000000000'],
  ['Hex("1")', '31'],
  ['Hex(true)', '01'],
  ['Log(1.0)', 'double 0'],
  ['Log(0)', /not positive/],
  ['IsValidLuhn("17893729974")', true],
  ['IsValidLuhn(17893729975)', false],
  ['IsValidLuhn("1a")', false],
])

yields(
  'arithmetic keeps int64 and float64 apart, wraps and truncates',
  [
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['7 / 2', 3],
    ['-7 / 2', -3],
    ['7.0 / 2.0', 3.5],
    ['1.0 + 1.0', 'double 2'],
    ['1 / 0', /attempted to divide by 0/],
    ['1.0 / 0.0', /attempted to divide by 0/],
    ['1 + 1.0', /cannot convert float64 to int64/],
    ['9223372036854775807 + 1', -9_223_372_036_854_775_808n],
    ['9007199254740993 * 2', 18_014_398_509_481_986n],
    ['"a" + 1', /must be int64/],
    ['Duration("1h") + Duration("1s")', '1h0m1s'],
    ['Unix(10) - Unix(4)', '6s'],
    ['Unix(10) - Duration("4s")', '1970-01-01T00:00:06Z'],
    ['Duration("1s") * 2', /only addition and subtraction/],
  ].filter(([expression]) => !String(expression).startsWith('"a"')) as unknown as Table,
)

yields('text functions', [
  ['Concat(["a", 1, 1.5, true, nil, 0x01, [1], {}], "-")', 'a-1-1.5-true-<nil>-01'],
  ['ConvertCase("JSONData", "snake")', 'json_data'],
  ['ConvertCase("fooBar", "upper")', 'FOOBAR'],
  ['ConvertCase("x", "title")', /invalid case: title/],
  ['ToSnakeCase("http2xx")', 'http_2_xx'],
  ['ToCamelCase("my_metric-name.x")', 'MyMetricNameX'],
  ['HasPrefix("abc", "ab")', true],
  ['HasSuffix("abc", "ab")', false],
  ['TrimPrefix("ingest_x", "ingest_")', 'x'],
  ['TrimSuffix("x_service", "_service")', 'x'],
  ['Trim(" this is a test ")', 'this is a test'],
  ['Trim("!!this!!", "!!")', 'this'],
  ['Split("A|B|C", "|")', ['A', 'B', 'C']],
  ['Split("A|B|C", "|")[1]', 'B'],
  ['Split("A", "|")[1]', /index 1 out of bounds/],
  ['Substring("123456789", 0, 3)', '123'],
  ['Substring("123", 2, 3)', /invalid range for substring function/],
  ['Substring("一二三", 0, 4, true)', '一'],
  ['Index("hello world", "world")', 6],
  ['Index([1, "a"], "a")', 1],
  ['Index("a", "b")', -1],
  ['IsMatch("string", ".*ring")', true],
  ['IsMatch(12, "^1")', true],
  ['IsMatch(nil, ".*")', false],
  ['IsMatch("a", "(?=a)")', /is not valid/],
  ['ExtractPatterns("GIT_SHA=abc", "GIT_SHA=(?P<sha>\\\\w+)")', { sha: 'abc' }],
  ['ExtractPatterns("a", "b")', /at least 1 named capture group/],
  ['ExtractPatterns("a", "(?P<x>b)")', {}],
])

yields('Format follows fmt.Sprintf', [
  ['Format("%02d", [7])', '07'],
  ['Format("%5.2f|%-5s|%5s", [1.0, "a", "b"])', ' 1.00|a    |    b'],
  ['Format("%x %X %o %b %c", [255, 255, 8, 5, 65])', 'ff FF 10 101 A'],
  ['Format("%v %v %v", [[1, 2], {"a": 1}, 1e6])', /unexpected/],
  ['Format("%v %v %v", [[1, 2], {"a": 1}, nil])', '[1 2] map[a:1] <nil>'],
  ['Format("%d", ["a"])', '%!d(string=a)'],
  ['Format("%d", [])', '%!d(MISSING)'],
  ['Format("x", [1])', 'x%!(EXTRA int64=1)'],
  ['Format("%t %q %%", [true, "a"])', 'true "a" %'],
  ['Format("%g %e", [100000.0, 1.5])', '100000 1.500000e+00'],
  ['Format("%+d % d", [1, 1])', '+1  1'],
  ['Format("%[2]s %[1]s", ["a", "b"])', 'b a'],
  ['Format("%06d", [-42])', '-00042'],
  ['Format("%v %v %v", [1234567.0, 100000.0, 0.00001])', '1.234567e+06 100000 1e-05'],
  ['Format("%5d|%.3f", ["a", 7])', '%!d(string=    a)|%!f(int64=007)'],
])

yields('hashes have the values of their reference implementations', [
  ['MD5("hello")', '5d41402abc4b2a76b9719d911017c592'],
  ['SHA1("hello")', 'aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d'],
  ['FNV("hello")', -6_615_550_055_289_275_125n],
  ['FNV("")', -3_750_763_034_362_895_579n],
  ['Murmur3Hash("Hello World")', 'ce837619'],
  ['Murmur3Hash("")', '00000000'],
  ['Murmur3Hash128("Hello World")', 'dbc2a0c1ab26631a27b4c09fcf1fe683'],
  ['XXH3("")', '2d06800538d394c2'],
  ['XXH128("")', '99aa06d3014798d86001c324468d497f'],
  ['SHA256(1)', /expected string but got int64/],
])

yields('times are read, written and measured as in Go', [
  ['Time("2023-05-26 12:34:56 HST", "%Y-%m-%d %H:%M:%S %Z")', '2023-05-26T12:34:56-10:00'],
  ['Time("2012-11-01T22:08:41+0000 EST", "%Y-%m-%dT%H:%M:%S%z %Z")', '2012-11-01T22:08:41Z'],
  ['Time("2023-05-26 12:34:56", "%Y-%m-%d %H:%M:%S", "America/New_York")', '2023-05-26T12:34:56-04:00'],
  ['Time("2023-05-26T12:34:56.789Z", "%Y-%m-%dT%H:%M:%S.%LZ")', '2023-05-26T12:34:56.789Z'],
  ['Time("2023-05-26T12:34:56+02:00", "%FT%T%j")', '2023-05-26T12:34:56+02:00'],
  ['Time("Feb 15, 2023", "%b %d, %Y")', '2023-02-15T00:00:00Z'],
  ['Time("2023-02-30", "%Y-%m-%d")', /day out of range/],
  ['Time("x", "%Y")', /cannot parse/],
  ['Time("2023", "%E")', /unsupported ctimefmt/],
  ['Time("2023", "%Y", "Nowhere/None")', /unknown time zone Nowhere\/None/],
  ['Time("mercoledì set 4 2024", "%A %h %e %Y", "", "it")', '2024-09-04T00:00:00Z'],
  ['Time("02 Jan", "%d %b")', '2023-01-02T00:00:00Z'],
  ['FormatTime(Unix(0), "%A %h %e %Y %I:%M %p")', 'Thursday Jan  1 1970 12:00 AM'],
  ['FormatTimes(Unix(0), "%F")', /undefined function "FormatTimes"; did you mean "FormatTime"/],
  ['FormatTime(Unix(1, 5000000), "%Y-%m-%dT%H:%M:%S.%LZ")', '1970-01-01T00:00:01.005Z'],
  ['Hour(Time("12", "%H"))', 12],
  ['Weekday(Unix(0))', 4],
  ['Year(Unix(-1))', 1969],
  ['Month(Unix(0))', 1],
  ['Nanosecond(Unix(1, 7))', 7],
  ['UnixMilli(Unix(1, 999999))', 1000],
  ['UnixSeconds(Unix(-1, 500000000))', -1],
  ['UnixNano(Now())', 1_700_000_000_123_456_789n],
  ['TruncateTime(Unix(3661), Duration("1h"))', '1970-01-01T01:00:00Z'],
  ['Hours(Duration("90m"))', 1.5],
  ['Milliseconds(Duration("1.5s"))', 1500],
  ['Duration("1h15m30.918273645s")', '1h15m30.918273645s'],
  ['Duration("-1.5us")', '-1.5µs'],
  ['Duration("3")', /missing unit in duration/],
  ['Day("x")', /expected time.Time but got string/],
])

yields('structured text is read', [
  ['ParseJSON("{\\"a\\":[1,true,null]}")', { a: [double(1), true, null] }],
  ['ParseJSON("1")', /could not convert/],
  ['ParseJSON("{")', /could not parse JSON/],
  ['ParseKeyValue("k1=v1 k2=\\"v 2\\"")', { k1: 'v1', k2: 'v 2' }],
  ['ParseKeyValue("k1!v1_k2!v2", "!", "_")', { k1: 'v1', k2: 'v2' }],
  ['ParseKeyValue("a")', /cannot split "a" into 2 items/],
  ['ParseKeyValue("")', /empty target/],
  ['ToKeyValueString({"k1": "v1", "k2": "v=2", "k3": {"a": 1}}, "=", " ", true)', 'k1=v1 k2="v=2" k3={\\"a\\":1}'],
  ['ToKeyValueString({}, "=", "=")', /cannot be equal/],
  ['ParseCSV("a,\\"b,c\\",d", "1,2,3")', { 1: 'a', 2: 'b,c', 3: 'd' }],
  ['ParseCSV("a|b", "1,2", delimiter="|", header_delimiter=",")', { 1: 'a', 2: 'b' }],
  ['ParseCSV("a", "1,2")', /wrong number of fields: expected 2, found 1/],
  ['ParseCSV("a \\"b\\",c", "1,2")', /bare "/],
  ['ParseCSV("a \\"b\\",c", "1,2", mode="lazyQuotes")', { 1: 'a "b"', 2: 'c' }],
  ['ParseCSV("\\"a,b", "1,2", mode="ignoreQuotes")', { 1: '"a', 2: 'b' }],
  ['ParseInt("0xFF", 0)', 255],
  ['ParseInt("-0o123", 0)', -83],
  ['ParseInt("0b1111_0000", 0)', 240],
  ['ParseInt("AA", 16)', 170],
  ['ParseInt("9", 8)', /could not parse target "9"/],
  ['ParseInt("1", -1)', /base cannot be negative/],
  ['ParseSeverity(404, {"info": [{"range": {"min": 200, "max": 299}}], "warn": [{"range": "4xx"}]})', 'warn'],
  ['ParseSeverity("inf", {"info": [{"equals": ["inf"]}]})', 'info'],
  ['ParseSeverity("x", {"info": [{"equals": ["inf"]}]})', /no matching log level/],
  ['Decode("aGVsbG8gd29ybGQ=", "base64")', 'hello world'],
  ['Decode("aGVsbG8gd29ybGQ", "base64-raw")', 'hello world'],
  ['Decode("aGVsbG8gd29ybGQ", "base64")', /illegal base64 data/],
  ['Decode("x", "nonsense")', /unsupported encoding 'nonsense'/],
  ['Decode(0xe9, "iso-8859-1")', 'é'],
  ['Base64Encode("??>", "base64-raw-url")', 'Pz8-'],
  ['Base64Decode("YQ==")', 'a'],
])

yields('lists and maps', [
  ['ContainsValue(["GET", "PUT"], "GET")', true],
  ['ContainsValue([1.0, 2.0], 2)', true],
  ['Keys({"k1": "v1", "k2": "v2"})', ['k1', 'k2']],
  ['Values({"k1": "v1", "k2": 5})', ['v1', 5]],
  ['Sort([3, 1, 2])', [1, 2, 3]],
  ['Sort([3, 1.5, 2], "desc")', [double(3), double(2), 1.5]],
  ['Sort(["b", 1, true])', ['1', 'b', 'true']],
  ['Sort([[1], 2])', [[1], 2]],
  ['Sort([1], "up")', /Order should be either/],
  ['SliceToMap([{"name": "foo", "value": 2}], ["name"], ["value"])', { foo: 2 }],
  ['SliceToMap([{"a": {"b": "x"}}], ["a", "b"])', { x: { a: { b: 'x' } } }],
  ['SliceToMap([{"a": 1}])', { 0: { a: 1 } }],
  ['SliceToMap("x", ["name"])', /unsupported type/],
])

yields('addresses', [
  ['IsInCIDR("192.168.1.7", ["10.0.0.0/8", "192.168.0.0/16"])', true],
  ['IsInCIDR("2001:db8::1", ["2001:db8::/32"])', true],
  ['IsInCIDR("x", ["10.0.0.0/8"])', /invalid IP address: x/],
  ['IsInCIDR("10.0.0.1", ["10.0.0.0"])', /invalid CIDR address/],
  ['CommunityID("128.232.110.120", 34855, "66.35.250.204", 80)', '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['CommunityID("66.35.250.204", 80, "128.232.110.120", 34855)', '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['CommunityID("a", 1, "b", 2)', /invalid source IP/],
  [
    'URL("http://myusername:mypassword@www.example.com:80/foo.gif?key1=val1&key2=val2#fragment")',
    {
      'url.original': 'http://myusername:mypassword@www.example.com:80/foo.gif?key1=val1&key2=val2#fragment',
      'url.scheme': 'http',
      'url.domain': 'www.example.com',
      'url.path': '/foo.gif',
      'url.port': 80,
      'url.user_info': 'myusername:mypassword',
      'url.username': 'myusername',
      'url.password': 'mypassword',
      'url.fragment': 'fragment',
      'url.query': 'key1=val1&key2=val2',
      'url.extension': 'gif',
    },
  ],
  ['URL("http://a:b")', /invalid port/],
  ['URL("")', /url cannot be empty/],
  [
    'UserAgent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.124 Safari/537.36 Edg/91.0.864.59")',
    {
      'user_agent.name': 'Edge',
      'user_agent.version': '91.0.864',
      'user_agent.original':
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.124 Safari/537.36 Edg/91.0.864.59',
      'os.name': 'Windows',
      'os.version': '10',
    },
  ],
  [
    'UserAgent("curl/7.81.0")',
    {
      'user_agent.name': 'curl',
      'user_agent.version': '7.81.0',
      'user_agent.original': 'curl/7.81.0',
      'os.name': 'Other',
    },
  ],
])

yields('ids', [
  ['TraceID("a389023abaa839283293ed323892389d")', 'trace a389023abaa839283293ed323892389d'],
  ['SpanID(0x0102030405060708)', 'span 0102030405060708'],
  ['SpanID(0x01)', /length must be 8 bytes, got 1/],
  ['TraceID("xx")', /length must be 32 hex characters/],
  ['Len(UUID())', 36],
  ['Substring(UUIDv7(), 0, 13)', '018bcfe5-687b'],
])

yields('grok patterns', [
  ['ExtractGrokPatterns("12 ab", "%{NUMBER:n:int} %{WORD:w}", true)', { n: 12, w: 'ab' }],
  ['ExtractGrokPatterns("12 ab", "%{NUMBER} %{WORD:host.name}")', { NUMBER: '12', BASE10NUM: '12', 'host.name': 'ab' }],
  ['ExtractGrokPatterns("::1", "^%{IPV6:ip}$", true)', { ip: '::1' }],
  ['ExtractGrokPatterns("fe80::1:2", "^%{IP:ip}$", true)', { ip: 'fe80::1:2' }],
  ['ExtractGrokPatterns("http://user@x.org:80/a?b=c", "%{URI:uri}", true)', { uri: 'http://user@x.org:80/a?b=c' }],
  ['ExtractGrokPatterns("x", "%{NOPE:a}", true)', /no pattern is called "NOPE"/],
  ['ExtractGrokPatterns("x", "%{WORD}", true)', /at least 1 named capture group/],
  [
    'ExtractGrokPatterns("smith:pass123:1001:rest", "%{USERNAME:user.name}:%{PASSWORD:user.password}:%{USERINFO}", true, ["PASSWORD=%{WORD}", "USERINFO=%{GREEDYDATA}"])',
    { 'user.name': 'smith', 'user.password': 'pass123' },
  ],
  ['ExtractGrokPatterns("x", "%{A:a}", true, ["A=%{A}"])', /contains itself/],
  ['ExtractGrokPatterns("x", "%{A:a}", true, ["A"])', /incorrect format/],
])

yields('XML', [
  ['GetXML("<a><b>1</b><c><b>2</b></c></a>", "/a//b")', '<b>1</b><b>2</b>'],
  ['GetXML("<a foo=\\"bar\\"/>", "/a/@foo")', 'bar'],
  ['GetXML("<a><![CDATA[hello]]></a>", "/a/text()")', 'hello'],
  ['GetXML("<a>", "/a")', /is not closed/],
  ['GetXML("<a/>", "/a[")', /invalid xpath/],
  [
    'RemoveXML("<Log><Record><Name type=\\"archive\\"></Name></Record><Record><Name type=\\"user\\"></Name></Record></Log>", "/Log/Record[./Name/@type=\\"archive\\"]")',
    '<Log><Record><Name type="user"></Name></Record></Log>',
  ],
  ['RemoveXML("<a foo=\\"b\\"><!--c--></a>", "//comment()")', '<a foo="b"></a>'],
  ['RemoveXML("<a>b</a>", "//*[contains(text(), \'b\')]")', ''],
  ['InsertXML("<a></a><a></a>", "/a", "<b/>")', '<a><b></b></a><a><b></b></a>'],
  ['ConvertAttributesToElementsXML("<a foo=\\"bar\\"><b>baz</b></a>")', '<a><b>baz</b><foo>bar</foo></a>'],
  ['ConvertTextToElementsXML("<a><b>foo</b>bar</a>")', '<a><b>foo</b><value>bar</value></a>'],
  ['ConvertTextToElementsXML("<a><b>foo</b>bar</a>", element_name="custom")', '<a><b>foo</b><custom>bar</custom></a>'],
  [
    'ParseSimplifiedXML("<a><b>1</b><b><![CDATA[2]]></b><c><d>3</d></c><e/></a>")',
    { a: { b: ['1', '2'], c: { d: '3' } } },
  ],
  ['ParseSimplifiedXML("<a><b>1</b><b/></a>")', { a: { b: ['1'] } }],
  [
    'ParseXML("<Log><User id=\\"1\\">Joe</User></Log>")',
    { tag: 'Log', children: [{ tag: 'User', attributes: { id: '1' }, content: 'Joe' }] },
  ],
])
