#include "tests/unit/ingest/source/source_fixture.h"

/* Of sources as they are met. */
static const char *const documents[] = {
    "{'name':'openmeteo-berlin','schedule':{'every':'1h','jitter':'10m'}, "
    " 'request':{'url':'https://api.open-meteo.com/v1/"
    "forecast','query':{'latitude':'${each.lat}','longitude':'${each.lon}', "
    "   "
    "'hourly':'temperature_2m,wind_speed_10m,precipitation','past_days':'7','forecast_days':'2','"
    "timezone':'UTC'}}, "
    " 'foreach':[{'lat':52.52,'lon':13.41,'site':'berlin'},{'lat':53.55,'lon':9.99,'site':'hamburg'"
    "}], "
    " 'decode':'json','rows':{'zip':'/hourly'},'measurement':'weather', "
    " 'time':{'path':'time','format':'%Y-%m-%dT%H:%M','tz':'UTC','label':'instant'}, "
    " 'values':[{'path':'temperature_2m','field':'temperature','unit':'degC'}, "
    "           {'path':'wind_speed_10m','field':'wind','unit':'m/s','scale':0.27777778}, "
    "           {'path':'precipitation','field':'rain','unit':'mm'}], "
    " 'tags':{'site':'${each.site}','source':'open-meteo'}, "
    " 'versions':{'known_at':'fetch','keep':'latest'}, "
    " 'limits':{'host':'api.open-meteo.com','concurrency':2,'rates':['600/1m','5000/1h','10000/"
    "1d'],'weight':1}, "
    " 'outcomes':[{'status':429,'body_has':'Daily','do':'wait','until':'next_utc_day'},{'status':"
    "429,'body_has':'Hourly','do':'wait','until':'next_hour'}, "
    "             "
    "{'status':429,'do':'wait','for':'61s'},{'status':400,'do':'fail','message':'/reason'}]} ",
    "{'name':'octopus-home','schedule':{'every':'6h'}, "
    " 'request':{'url':'https://api.octopus.energy/v1/electricity-meter-points/${each.mpan}/meters/"
    "${each.serial}/consumption/', "
    "   "
    "'query':{'period_from':'${window.start}','period_to':'${window.end}','page_size':'25000','"
    "order_by':'period'}}, "
    " 'auth':{'type':'basic','user':'${secret:octopus_key}','password':''}, "
    " 'foreach':[{'mpan':'2000012345678','serial':'12L0123456'}], "
    " 'window':{'from':'2023-01-01T00:00:00Z','step':'P90D','overlap':'P10D','format':'%Y-%m-%dT%H:"
    "%M:%SZ','end':'exclusive','clip':true}, "
    " 'page':{'type':'next_url','path':'/next','same_host':true,'max':500}, "
    " 'decode':'json','rows':'/results/*','measurement':'electricity', "
    " 'time':{'path':'interval_start','format':'iso8601','label':'start','step':'PT30M'}, "
    " 'values':[{'path':'consumption','field':'energy','unit':'kWh'}], "
    " 'tags':{'mpan':'${each.mpan}','direction':'import'}, "
    " 'versions':{'known_at':'fetch','keep':'all'},'limits':{'host':'api.octopus.energy','"
    "concurrency':1,'rates':['60/1m']}, "
    " 'outcomes':[{'status':401,'do':'fail'},{'status':403,'do':'fail'},{'count':0,'do':'empty'}]}"
    " ",
    "{'name':'ea-water-quality','schedule':{'every':'1d','at':'03:17'}, "
    " 'request':{'method':'POST','url':'https://environment.data.gov.uk/water-quality/data/"
    "observation', "
    "   "
    "'query':{'dateFrom':'${window.start}','dateTo':'${window.end}','determinand':'${each.det}'}, "
    "   "
    "'headers':{'Accept':'text/"
    "csv','CSV-Header':'present','API-Version':'1','Content-Type':'application/json'}}, "
    " 'foreach':[{'det':'0061'},{'det':'0111'},{'det':'9901'},{'det':'0076'}], "
    " 'window':{'from':'2000-01-01','step':'P7D','overlap':'P60D','format':'%Y-%m-%d','tz':'Europe/"
    "London','end':'inclusive'}, "
    " 'page':{'type':'offset','param':'skip','limit_param':'limit','limit':2500,'stop':['empty_"
    "body','short_page']}, "
    " 'decode':{'csv':{'header':true}},'rows':'*','measurement':'water', "
    " 'time':{'path':'phenomenonTime','format':'iso8601','tz':'Europe/"
    "London','ambiguous':'first'}, "
    " 'values':[{'path':'result','field':'${row.determinand.notation}','qualifier':['<','>'],'"
    "coded':'keep'}], "
    " 'tags':{'point':{'path':'samplingPoint.notation'},'material':{'path':'sampleMaterialType'},'"
    "region':{'path':'samplingPoint.region'},'unit':{'path':'unit'}}, "
    " 'limits':{'host':'environment.data.gov.uk','concurrency':1,'rates':['60/"
    "1m']},'versions':{'known_at':'fetch','keep':'all'}, "
    " 'outcomes':[{'status':[403,429,502,503],'do':'wait','for':'5m'}]} ",
    "{'name':'metno-oslo','schedule':{'every':'30m','jitter':'15m','respect_expires':true}, "
    " 'request':{'url':'https://api.met.no/weatherapi/locationforecast/2.0/"
    "compact','query':{'lat':'59.9133','lon':'10.7389'},'headers':{'User-Agent':'weir/1 "
    "ops@example.org'}}, "
    " 'conditional':{'etag':true,'last_modified':true,'body_hash':true}, "
    " 'timeouts':{'connect':'10s','first_byte':'10m','idle':'60s','total':'30m'}, "
    " 'decode':'json','rows':'/properties/timeseries/"
    "*','time':{'path':'time','format':'iso8601'},'measurement':'forecast', "
    " 'values':[{'path':'data/instant/details/"
    "air_temperature','field':'temperature','unit':'degC'}, "
    "           "
    "{'path':'data/next_1_hours/details/"
    "precipitation_amount','field':'rain','unit':'mm','missing':'skip'}], "
    " 'versions':{'known_at':'/properties/meta/updated_at','keep':'all'}, "
    " 'tags':{'site':'oslo','source':'met.no'},'limits':{'host':'api.met.no','concurrency':1,'"
    "rates':['10/1s']}, "
    " 'retry':{'max':8,'base':'2s','cap':'10m','retry_after':true}, "
    " 'outcomes':[{'status':304,'do':'unchanged'},{'status':203,'do':'ok','warn':'deprecated'},{'"
    "status':403,'do':'fail'}]} ",
    "{'name':'entsoe','schedule':{'every':'15m'},'request':{'url':'https://web-api.tp.entsoe.eu/"
    "api','query':{'periodStart':'${window.start}','periodEnd':'${window.end}'}}, "
    " 'window':{'from':'2020-01-01','step':'P30D','format':'%Y%m%d%H%M'},'measurement':'load','"
    "values':[{'path':'quantity','field':'power'}], "
    " 'decode':'xml','rows':'/GL_MarketDocument/TimeSeries/*/Period/*/Point/*', "
    " 'time':{'base':'../timeInterval/start','index':'position','first':1,'step_path':'../"
    "resolution','fill':{'when':{'../../curveType':'A03'},'to':'../timeInterval/end'}}, "
    " 'versions':{'known_at':'fetch','keep':'all'}, "
    " 'outcomes':[{'body_has':'No matching data found','do':'empty'},{'body_has':'exceeds allowed "
    "limit','do':'split'},{'status':429,'do':'wait','for':'10m'}]} "};

static enum code parse(const char *name, const char *text, struct source **source,
                       struct source_faults *faults, struct arena *arena, struct error *err)
{
    struct buf document = BUF_INIT((size_t)1 << 20);
    enum code code;

    fixture_put(&document, text);
    code = source_parse(bytes_of(name), buf_bytes(&document), arena, source, faults, err);
    buf_release(&document);
    return code;
}

static void test_sources_as_they_are_met(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        const struct tree_plan *plan = NULL;
        struct source_faults faults;
        struct source *source = NULL;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        if (parse("", documents[i], &source, &faults, &arena, &err))
            fail_msg("%zu: %s: %s", i, err.pointer, err.text);
        arena_release(&arena); /* the source has nothing in it */
        assert_true(source->name.size > 0);
        assert_int_equal(source_plan(source, &arena, &plan, &err), OK);
        arena_release(&arena);
        source_free(source);
    }
    source_free(NULL);
}

static void test_the_name_is_of_the_address_or_the_document(void **state)
{
    static const struct {
        const char *address, *name, *want; /* NULL: it is good */
    } cases[] = {
        {"",    "'name': 'a'",     NULL                     },
        {"a",   "'name': 'a'",     NULL                     },
        {"a",   "'paused': false", NULL                     },
        {"",    "'paused': false", "it is missing"          },
        {"b",   "'name': 'a'",     "it is not the address's"},
        {"",    "'name': 'a b'",   "want a name of 1 to 64" },
        {"",    "'name': '-a'",    "want a name of 1 to 64" },
        {"",    "'name': ''",      "want a name of 1 to 64" },
        {"a/b", "'paused': false", "want a name of 1 to 64" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf document = BUF_INIT(10000);
        struct source_faults faults;
        struct source *source = NULL;
        struct error err = {0};
        struct arena arena;
        enum code code;

        arena_init(&arena, SIZE_MAX, NULL);
        fixture_document(cases[i].name, "name", &document);
        code = source_parse(bytes_of(cases[i].address), buf_bytes(&document), &arena, &source,
                            &faults, &err);
        if (cases[i].want == NULL ? code != OK
                                  : code != E_BAD_PARAMETER || strcmp(err.pointer, "/name") != 0 ||
                                        strstr(err.text, cases[i].want) == NULL)
            fail_msg("%s, %s: %s", cases[i].address, cases[i].name, err.text);
        assert_true((code == OK) == (source != NULL));
        source_free(source);
        buf_release(&document);
        arena_release(&arena);
    }
}

static void test_what_is_no_document_is_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"",                                   "line 1"       },
        {"{",                                  "line 1"       },
        {"[]",                                 "is an array"  },
        {"7",                                  "is an integer"},
        {"{'a': 1, 'a': 2}",                   "duplicate"    },
        {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "16 levels"    },
    };
    static char large[(64 << 10) + 2];
    struct source_faults faults;
    struct source *source = NULL;
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (parse("a", cases[i].text, &source, &faults, &arena, &err) != E_SYNTAX ||
            strstr(err.text, cases[i].want) == NULL || source != NULL)
            fail_msg("%s: %s", cases[i].text, err.text);
    memset(large, ' ', sizeof(large) - 1);
    assert_int_equal(parse("a", large, &source, &faults, &arena, &err), E_SYNTAX);
    assert_non_null(strstr(err.text, "want at most 65536"));
    arena_release(&arena);
}

static void test_an_empty_one_lacks_what_every_source_has(void **state)
{
    static const char *const wants[] = {"/schedule", "/request", "/decode", "/time", "/values"};
    struct source_faults faults;
    struct source *source = NULL;
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(parse("a", "{}", &source, &faults, &arena, &err), E_BAD_PARAMETER);
    assert_int_equal(faults.count, COUNT_OF(wants));
    for (size_t i = 0; i < faults.count; i++)
        assert_true(fixture_is(faults.items[i].pointer, wants[i]));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources_as_they_are_met),
        cmocka_unit_test(test_the_name_is_of_the_address_or_the_document),
        cmocka_unit_test(test_what_is_no_document_is_refused),
        cmocka_unit_test(test_an_empty_one_lacks_what_every_source_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
