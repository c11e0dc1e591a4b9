/* Payloads of our own in the shapes that remote APIs have. */
#include "tests/unit/codec/tree/tree_fixture.h"

static const struct rows_case shapes[] = {
    {
     .name = "Open-Meteo: columns",
     .format = &tree_json,
     .rows = "/hourly",
     .zip = true,
     .slots = {"time", "temperature_2m", "../hourly_units/temperature_2m", "/latitude",
                  "!/elevation"},
     .body =
            "{\"latitude\":52.52,\"hourly\":{\"time\":[\"2026-02-22T00:00\",\"2026-02-22T01:00\"],"
            "\"temperature_2m\":[-6.4,null],\"rain\":[0,0]},"
            "\"hourly_units\":{\"temperature_2m\":\"\xc2\xb0"
            "C\"},\"elevation\":38}", .want = "1 /hourly/0 p1: time=\"2026-02-22T00:00\" temperature_2m=-6.4 "
                "../hourly_units/temperature_2m=\"\xc2\xb0"
                "C\" /latitude=52.52\n"
                "2 /hourly/1 p1: time=\"2026-02-22T01:00\" temperature_2m=null "
                "../hourly_units/temperature_2m=\"\xc2\xb0"
                "C\" /latitude=52.52\n"
                "!/elevation 38\n", },
    {
     .name = "Open-Meteo: columns of several places",
     .format = &tree_json,
     .rows = "/*/hourly",
     .zip = true,
     .slots = {"time", "rain", "../latitude"},
     .body = "[{\"latitude\":1,\"hourly\":{\"time\":[10,20],\"rain\":[1,2]}},"
                "{\"hourly\":{\"rain\":[3],\"time\":[30]},\"latitude\":2},{\"latitude\":3}]", .want = "1 /0/hourly/0 p1: time=10 rain=1 ../latitude=1\n"
                "2 /0/hourly/1 p1: time=20 rain=2 ../latitude=1\n"
                "3 /1/hourly/0 p2: time=30 rain=3 ../latitude=2\n", },
    {
     .name = "EIA",
     .format = &tree_json,
     .rows = "/response/data/*",
     .slots = {"period", "value", "value-units", "!/response/total", "!/error"},
     .body =
            "{\"response\":{\"total\":2,\"data\":[{\"period\":\"2022-10-31T11\",\"value\":6215,"
            "\"value-units\":\"megawatthours\"},{\"period\":\"2022-10-31T12\",\"value\":null}]},"
            "\"apiVersion\":\"2.1.12\"}", .want = "1 /response/data/0 p1: period=\"2022-10-31T11\" value=6215 "
                "value-units=\"megawatthours\"\n"
                "2 /response/data/1 p1: period=\"2022-10-31T12\" value=null value-units=-\n"
                "!/response/total 2\n!/error -\n", },
    {
     .name = "Elexon: a bare array",
     .format = &tree_json,
     .rows = "/*",
     .slots = {"settlementPeriod", "generation"},
     .body = "[{\"settlementPeriod\":3,\"fuelType\":\"WIND\",\"generation\":0},\n"
                "{\"generation\":-12,\"settlementPeriod\":4}]\n",                                                                                                                            .want = "1 /0 p1: settlementPeriod=3 generation=0\n"
                "2 /1 p1: settlementPeriod=4 generation=-12\n", },
    {
     .name = "Octopus",
     .format = &tree_json,
     .rows = "/results/*",
     .slots = {"interval_start", "consumption", "!/next", "!/count"},
     .body = "{\"count\":1,\"next\":\"https://x/?page=2\",\"previous\":null,\"results\":[{"
                "\"consumption\":0.063,\"interval_start\":\"2018-05-19T00:30:00+01:00\"}]}",                                                                                                                                                   .want = "1 /results/0 p1: interval_start=\"2018-05-19T00:30:00+01:00\" consumption=0.063\n"
                "!/next \"https://x/?page=2\"\n!/count 1\n", },
    {
     .name = "NWS: GeoJSON",
     .format = &tree_json,
     .rows = "/features/*/properties",
     .slots = {"timestamp", "temperature/value", "temperature/unitCode",
                  "../geometry/coordinates/1", "missing/value"},
     .body = "{\"type\":\"FeatureCollection\",\"features\":[{\"geometry\":{\"coordinates\":[-97."
                "5,35.1]},"
                "\"properties\":{\"timestamp\":\"2026-01-01T00:00:00+00:00\",\"temperature\":{"
                "\"unitCode\":"
                "\"wmoUnit:degC\",\"value\":32.0}}},{\"properties\":{\"timestamp\":\"x\","
                "\"temperature\":"
                "{\"value\":null}},\"geometry\":{\"coordinates\":[1,2]}}]}",                                                                                                                                              .want =
            "1 /features/0/properties p1: timestamp=\"2026-01-01T00:00:00+00:00\" "
            "temperature/value=32.0 "
            "temperature/unitCode=\"wmoUnit:degC\" ../geometry/coordinates/1=35.1 missing/value=-\n"
            "2 /features/1/properties p1: timestamp=\"x\" temperature/value=null "
            "temperature/unitCode=- "
            "../geometry/coordinates/1=2 missing/value=-\n", },
    {
     .name = "MET Norway",
     .format = &tree_json,
     .rows = "/properties/timeseries/*",
     .slots = {"time", "data/instant/details/air_temperature",
                  "data/next_1_hours/details/precipitation_amount", "/properties/meta/updated_at"},
     .body =
            "{\"properties\":{\"timeseries\":[{\"time\":\"a\",\"data\":{\"instant\":{\"details\":"
            "{\"air_temperature\":1.5}},\"next_1_hours\":{\"details\":{\"precipitation_amount\":0."
            "1}}}},"
            "{\"time\":\"b\",\"data\":{\"instant\":{\"details\":{\"air_temperature\":2}}}}],"
            "\"meta\":{\"updated_at\":\"u\"}}}",         .want =
            "1 /properties/timeseries/0 p1: time=\"a\" data/instant/details/air_temperature=1.5 "
            "data/next_1_hours/details/precipitation_amount=0.1 /properties/meta/updated_at=\"u\"\n"
            "2 /properties/timeseries/1 p1: time=\"b\" data/instant/details/air_temperature=2 "
            "data/next_1_hours/details/precipitation_amount=- /properties/meta/updated_at=\"u\"\n", },
    {
     .name = "ENTSO-E",
     .format = &tree_xml,
     .rows = "/GL_MarketDocument/TimeSeries/*/Period/*/Point/*",
     .slots = {"position", "quantity", "../timeInterval/start", "../resolution",
                  "../../curveType", "../../outBiddingZone_Domain.mRID", "/GL_MarketDocument/mRID"},
     .body =
            "<?xml version=\"1.0\"?>\n<GL_MarketDocument xmlns=\"urn:x\">\n <mRID>id</mRID>\n"
            " <TimeSeries>\n  <outBiddingZone_Domain.mRID "
            "codingScheme=\"A01\">10YDK</outBiddingZone_Domain.mRID>\n"
            "  "
            "<Period><timeInterval><start>s1</start></timeInterval><resolution>PT60M</resolution>\n"
            "   <Point><position>1</position><quantity>10</quantity></Point>\n"
            "   <Point><position>3</position><quantity>30</quantity></Point></Period>\n"
            "  "
            "<Period><Point><position>1</position></Point><resolution>PT15M</resolution></Period>\n"
            "  <curveType>A03</curveType></TimeSeries>\n"
            " <TimeSeries><Period><Point><quantity>7</quantity></Point></Period><curveType>A01</"
            "curveType></TimeSeries>\n"
            "</GL_MarketDocument>",                                                                                         .want =
            "1 /GL_MarketDocument/TimeSeries/0/Period/0/Point/0 p1: position=\"1\" quantity=\"10\" "
            "../timeInterval/start=\"s1\" ../resolution=\"PT60M\" ../../curveType=\"A03\" "
            "../../outBiddingZone_Domain.mRID=\"10YDK\" /GL_MarketDocument/mRID=\"id\"\n"
            "2 /GL_MarketDocument/TimeSeries/0/Period/0/Point/1 p1: position=\"3\" quantity=\"30\" "
            "../timeInterval/start=\"s1\" ../resolution=\"PT60M\" ../../curveType=\"A03\" "
            "../../outBiddingZone_Domain.mRID=\"10YDK\" /GL_MarketDocument/mRID=\"id\"\n"
            "3 /GL_MarketDocument/TimeSeries/0/Period/1/Point/0 p2: position=\"1\" quantity=- "
            "../timeInterval/start=- ../resolution=\"PT15M\" ../../curveType=\"A03\" "
            "../../outBiddingZone_Domain.mRID=\"10YDK\" /GL_MarketDocument/mRID=\"id\"\n"
            "4 /GL_MarketDocument/TimeSeries/1/Period/0/Point/0 p3: position=- quantity=\"7\" "
            "../timeInterval/start=- ../resolution=- ../../curveType=\"A01\" "
            "../../outBiddingZone_Domain.mRID=- /GL_MarketDocument/mRID=\"id\"\n", },
    {
     .name = "ENTSO-E: an acknowledgement has no rows",
     .format = &tree_xml,
     .rows = "/GL_MarketDocument/TimeSeries/*/Period/*/Point/*",
     .slots = {"position", "!/Acknowledgement_MarketDocument/Reason/text"},
     .body = "<Acknowledgement_MarketDocument><Reason><code>999</code><text>No matching data "
                "found</text>"
                "</Reason></Acknowledgement_MarketDocument>",                                                                                                                             .want = "!/Acknowledgement_MarketDocument/Reason/text \"No matching data found\"\n",
     },
    {
     .name = "RTE: attributes, and texts of elements that have some",
     .format = &tree_xml,
     .rows = "/liste/mixtr/*/type/*/valeur/*",
     .slots = {"@periode", "", "../@v", "../../@date"},
     .body = "<liste><mixtr date='2024-04-13'><type v='Gaz'><valeur periode='0'>36.14</valeur>"
                "<valeur periode='1'>36</valeur></type></mixtr></liste>",                                                                                                                                              .want = "1 /liste/mixtr/0/type/0/valeur/0 p1: @periode=\"0\" =\"36.14\" ../@v=\"Gaz\" "
                "../../@date=\"2024-04-13\"\n"
                "2 /liste/mixtr/0/type/0/valeur/1 p1: @periode=\"1\" =\"36\" ../@v=\"Gaz\" "
                "../../@date=\"2024-04-13\"\n", },
    {
     .name = "CKAN",
     .format = &tree_json,
     .rows = "/result/records/*",
     .slots = {"SETTLEMENT_DATE", "SETTLEMENT_PERIOD", "!/success"},
     .body = "{\"success\":true,\"result\":{\"records\":[{\"SETTLEMENT_DATE\":\"2026-01-01\","
                "\"SETTLEMENT_PERIOD\":1}]}}",                                            .want = "1 /result/records/0 p1: SETTLEMENT_DATE=\"2026-01-01\" "
                "SETTLEMENT_PERIOD=1\n!/success true\n", },
    {
     .name = "EA: CSV with quotes",
     .format = &tree_csv,
     .rows = "*",
     .slots = {"samplingPoint.notation", "determinand.prefLabel", "result", "unit", "/unit"},
     .body = "samplingPoint.notation,\"determinand.prefLabel\",result,unit\r\n"
                "AN-1,\"Oxygen, \"\"dissolved\"\"\",<10,mg/l\r\nAN-2,,\"Ponded / Still\"\r\n",                                                                                                        .want = "1 /0 p1: samplingPoint.notation=\"AN-1\" determinand.prefLabel=\"Oxygen, "
                "\"dissolved\"\" "
                "result=\"<10\" unit=\"mg/l\" /unit=\"mg/l\"\n"
                "2 /1 p1: samplingPoint.notation=\"AN-2\" determinand.prefLabel=\"\" "
                "result=\"Ponded / Still\" unit=- /unit=-\n", },
    {
     .name = "EA: no body",
     .format = &tree_csv,
     .rows = "*",
     .slots = {"id"},
     .body = "",
     .want = "",
     },
};

static const struct rows_case ways[] = {
    {"a row that is one object",
     &tree_json,
     "/current",                                                        false,
     {"t", "../id"},
     "{\"id\":7,\"current\":{\"t\":1}}",                                                                            "1 /current p1: t=1 ../id=7\n"                                                  },
    {"a document that is the row",
     &tree_json,
     "/",                                                               false,
     {"t", "/u/v"},
     "{\"t\":1,\"u\":{\"v\":2}}",                                                                                   "1 / p1: t=1 /u/v=2\n"                                                          },
    {"each document",
     &tree_ndjson,
     "*",                                                               false,
     {"t", "/t"},
     "{\"t\":1}\n5\n{\"t\":2}\n",                                                                                   "1 /0 p1: t=1 /t=1\n2 /1 p1: t=- /t=-\n3 /2 p1: t=2 /t=2\n"                     },
    {"no steps: each document",
     &tree_ndjson,
     "",                                                                false,
     {"t"},
     "{\"t\":1}\n{\"t\":2}",                                                                                        "1 /0 p1: t=1\n2 /1 p1: t=2\n"                                                  },
    {"rows within each document",
     &tree_ndjson,
     "*/r/*",                                                           false,
     {"t", "../id"},
     "{\"id\":1,\"r\":[{\"t\":1},{\"t\":2}]}\n{\"r\":[{\"t\":3}],\"id\":2}",                                        "1 /0/r/0 p1: t=1 ../id=1\n2 /0/r/1 p1: t=2 ../id=1\n3 /1/r/0 p2: t=3 ../id=2\n"},
    {"members of an object",
     &tree_json,
     "/s/*",                                                            false,
     {"t"},
     "{\"s\":{\"a/b\":{\"t\":1},\"c\":{\"t\":2}}}",                                                                 "1 /s/a~1b p1: t=1\n2 /s/c p1: t=2\n"                                           },
    {"arrays in members",
     &tree_json,
     "/s/*/*",                                                          false,
     {"t", "../u"},
     "{\"s\":{\"a\":[{\"t\":1}],\"b\":[{\"t\":2},{\"t\":3}],\"u\":9}}",                                             "1 /s/a/0 p1: t=1 ../u=9\n2 /s/b/0 p2: t=2 ../u=9\n3 /s/b/1 p2: t=3 ../u=9\n"   },
    {"rows that are no objects",
     &tree_json,
     "/*",                                                              false,
     {"", "0", "1/a"},
     "[1,[2,{\"a\":3}],null,{\"0\":4}]",                                                                            "1 /0 p1: =1 0=- 1/a=-\n2 /1 p1: =[] 0=2 1/a=3\n3 /2 p1: =null 0=- 1/a=-\n"
     "4 /3 p1: ={} 0=4 1/a=-\n"                                                                                                                             },
    {"what leads to a container",
     &tree_json,
     "/*",                                                              false,
     {"o", "a", "o/x"},
     "[{\"o\":{\"x\":true},\"a\":[]}]",                                                                             "1 /0 p1: o={} a=[] o/x=true\n"                                                 },
    {"no rows at all",
     &tree_json,
     "/data/*",                                                         false,
     {"t", "/id", "!/next"},
     "{\"next\":null,\"data\":[]}",                                                                                 "!/next null\n"                                                                 },
    {"rows elsewhere",                           &tree_json, "/data/*", false, {"t"}, "[1,{\"data\":[{\"t\":1}]}]", ""                                                                              },
    {"the last of two counts",
     &tree_json,
     "/*",                                                              false,
     {"a", "b/c"},
     "[{\"a\":1,\"a\":2,\"b\":{\"c\":1},\"b\":{\"c\":2}}]",                                                         "1 /0 p1: a=2 b/c=2\n"                                                          },
    {"the same path twice",
     &tree_json,
     "/*",                                                              false,
     {"a", "a", "!/0/a"},
     "[{\"a\":1}]",                                                                                                 "1 /0 p1: a=1 a=1\n!/0/a 1\n"                                                   },
    {"an element by number, of rows",
     &tree_json,
     "/d/1/*",                                                          false,
     {"t", "/d/0"},
     "{\"d\":[\"x\",[{\"t\":1}],[{\"t\":2}]]}",                                                                     "1 /d/1/0 p1: t=1 /d/0=\"x\"\n"                                                 },
    {"names like numbers",
     &tree_json,
     "/*",                                                              false,
     {"00", "01/x"},
     "[{\"00\":1,\"01\":{\"x\":2}},[3,{\"x\":4}]]",                                                                 "1 /0 p1: 00=1 01/x=2\n2 /1 p1: 00=- 01/x=-\n"                                  },
    {"a document's, of many documents the last",
     &tree_ndjson,
     "*",                                                               false,
     {"t", "!/u"},
     "{\"t\":1,\"u\":5}\n{\"t\":2}\n",                                                                              "1 /0 p1: t=1\n2 /1 p1: t=2\n!/u -\n"                                           },
    {"text of an element in JSON",
     &tree_json,
     "/*",                                                              false,
     {"a", "b", "b/b", "c"},
     "[{\"a\":{\"#text\":\"x\",\"@u\":1},\"b\":{\"#text\":{\"b\":1}},\"c\":{\"#text\":5}}]",                        "1 /0 p1: a=\"x\" b={} b/b=- c={}\n"                                            },
};

static void test_shapes_of_remote_apis(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        expect_rows(&shapes[i]);
}

static void test_ways_to_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        expect_rows(&ways[i]);
}

static const struct rows_case of_xml[] = {
    {"each element, also without a star",
     &tree_xml,
     "/d/r",   false,
     {"a", "b/c", "/d/z"},
     "<d><r><a>1</a></r><r><b><c/></b></r><z>9</z></d>",           "1 /d/r/0 p1: a=\"1\" b/c=- /d/z=\"9\"\n2 /d/r/1 p1: a=- b/c=\"\" /d/z=\"9\"\n"},
    {"a star is of elements, not of what is in them",
     &tree_xml,
     "/d/r/*", false,
     {"a", "@k"},
     "<d><r k='1'><a>1</a></r><x><a>2</a></x><r><a>3</a></r></d>", "1 /d/r/0 p1: a=\"1\" @k=\"1\"\n2 /d/r/1 p1: a=\"3\" @k=-\n"                   },
    {"all elements of an element",
     &tree_xml,
     "/d/*/*", false,
     {"a", "", "../@k"},
     "<d k='9'><r><a>1</a></r><x>2</x><r><a>3</a></r></d>",        "1 /d/0/@k p1: a=- =\"9\" ../@k=\"9\"\n2 /d/0/r/0 p1: a=\"1\" ={} ../@k=\"9\"\n"
     "3 /d/0/x/1 p1: a=- =\"2\" ../@k=\"9\"\n4 /d/0/r/2 p1: a=\"3\" ={} ../@k=\"9\"\n" },
    {"the last of several counts",
     &tree_xml,
     "/d",     false,
     {"a"},
     "<d><a>1</a><a>2</a></d>",                                    "1 /d/0 p1: a=\"2\"\n"                                                         },
    {"columns",
     &tree_xml,
     "/d",     true,
     {"t", "v"},
     "<d><t>1</t><v>a</v><t>2</t><v>b</v></d>",                    "1 /d/0/0 p1: t=\"1\" v=\"a\"\n2 /d/0/1 p1: t=\"2\" v=\"b\"\n"                 },
    {"an element's text beside attributes",
     &tree_xml,
     "/d/q/*", false,
     {"", "@u", "n"},
     "<d><q u='MW'>5</q><q>6</q><q u='x'><n>7</n></q></d>",        "1 /d/q/0 p1: =\"5\" @u=\"MW\" n=-\n2 /d/q/1 p1: =\"6\" @u=- n=-\n"
     "3 /d/q/2 p1: ={} @u=\"x\" n=\"7\"\n"                                             },
};

static void test_rows_of_xml(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(of_xml); i++)
        expect_rows(&of_xml[i]);
}

static void test_limits(void **state)
{
    static const struct {
        struct rows_case one;
        struct tree_rows_limits limits;
    } cases[] = {
        {{"as many rows as allowed",
          &tree_json,
          "/*",
          false,
          {"a"},
          "[{\"a\":1},{}]",
          "1 /0 p1: a=1\n2 /1 p1: a=-\n"},
         {2, 1000}},
        {{"a row more",
          &tree_json,
          "/*",
          false,
          {"a"},
          "[{\"a\":1},{}]",
          "1 /0 p1: a=1\n!too_many_points more than the 1 rows allowed\n"},
         {1, 1000}},
        {{"texts of a row",
          &tree_json,
          "/*",
          false,
          {"a"},
          "[{\"a\":\"12345\"},{\"a\":\"123456\"}]",
          "1 /0 p1: a=\"12345\"\n!body_too_large what is kept of the document, around its rows or "
          "in "
          "columns, is more than the 5 bytes allowed\n"},
         {9, 5}   },
        {{"cells around rows",
          &tree_json,
          "/*/r/*",
          false,
          {"../a"},
          "[{\"r\":[1]},{\"r\":[1]},{\"r\":[1]}]",
          "!body_too_large what is kept of the document, around its rows or in "
          "columns, is more than the 48 bytes allowed\n"},
         {9, 48}  },
        {{"texts of many documents",
          &tree_ndjson,
          "*",
          false,
          {"t", "!/u"},
          "{\"t\":1,\"u\":1234}\n{\"t\":2,\"u\":5678}\n",
          "1 /0 p1: t=1\n2 /1 p1: t=2\n!/u 5678\n"},
         {9, 5}   },
        {{"texts of a document",
          &tree_json,
          "/*",
          false,
          {"!/0"},
          "[123456]",
          "!body_too_large what is kept of the document, around its rows or in "
          "columns, is more than the 5 bytes allowed\n"},
         {9, 5}   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_rows_within(&cases[i].one, &cases[i].limits);
}

/* What a second pass has not as the first one had it. */
static void test_a_document_that_changes_between_passes(void **state)
{
    static const struct rows_case one = {
        .name = "changes", .format = &tree_json, .rows = "/*/r/*", .slots = {"../a"}};
    static const char *const bodies[] = {"[{\"r\":[1]}]", "[{\"r\":[1]},{\"r\":[1]}]"};
    static const struct tree_rows_limits limits = {9, 1000};
    struct rows_seen seen = {.one = &one, .text = BUF_INIT(1 << 20)};
    const struct tree_plan *plan = NULL;
    struct tree_rows *rows = NULL;
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, (size_t)1 << 20, NULL);
    assert_int_equal(rows_plan(&one, &arena, &plan, &err), OK);
    assert_int_equal(tree_plan_passes(plan), 2);
    assert_int_equal(tree_rows_open(plan, &limits, rows_take, &seen, &rows, &err), OK);
    for (size_t pass = 0; pass < 2; pass++) {
        struct tree_sink sink = tree_rows_sink(rows);
        enum code code = fixture_feed(&tree_json, &fixture_limits, NULL, &sink,
                                      bytes_of(bodies[pass]), 100, 100, &err);

        assert_int_equal(code, pass == 0 ? OK : E_CONFLICT);
        if (code == OK)
            assert_int_equal(tree_rows_passed(rows, &err), OK);
    }
    tree_rows_close(rows);
    arena_release(&arena);
    buf_release(&seen.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_of_remote_apis),
        cmocka_unit_test(test_ways_to_rows),
        cmocka_unit_test(test_rows_of_xml),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_document_that_changes_between_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
