# Magnesium from supplements and antacids, a second time and by other hands.
#
#   Rscript supplements_reference.R RAW_DIR OUT_DIR
#
# RAW_DIR as for nhanes_reference.R, whose derivations are used and added to, with the use rows of each cycle and, in 1999,
# the product tables DSPI and DSII; nothing of the Python code is. Writes supplements_rows, supplements_curves,
# supplements_tests, supplements_fits and supplements_amounts. What rests on fewer than 10 people is left out.
# Made with R 4.2.2, survey 4.1.1, foreign 0.8.84.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
# common.R edits survey once only, and causes_reference.R may have come first.
if (!exists("read_people")) source(file.path(script_folder(), "nhanes_reference.R"))

FEWEST <- 10
UPPER_LEVEL <- 350
GRID <- c(100, 150, 200, 300, 400, 500)
SOURCES[[1]]$take$interview <- "WTINT2YR"
SOURCES <- c(SOURCES, list(list(tables = c("DSQFILE1", "DSQ1_B", "DSQ1_C"), take = list(any_supplement = "DSD010"))))

# ---- products ------------------------------------------------------------------------------------------------------

MASS_FRACTION <- c("231" = 1, "544" = 24.305 / 58.3197, "556" = 24.305 / 84.3139, "2054" = 48.610 / 260.862,
                   "523" = 24.305 / 414.599, "572" = 24.305 / 40.304)

# Each part: class, size of one unit of it, codes of the units.
unit_table <- function(...) {
  parts <- list(...)
  do.call(rbind, lapply(parts, function(part) data.frame(unit = part[[3]], class = part[[1]], size = part[[2]])))
}
USER_UNITS <- unit_table(
  list("count", 1, c(1, 6, 13, 17, 20, 30)), list("volume", 29.5735, c(4, 27)), list("volume", 1, c(7, 22)),
  list("volume", 14.7868, 11), list("volume", 4.92892, 12), list("volume", 236.588, 18), list("mass", 1, 16),
  list("mass", 28.3495, 14), list("packet", 1, c(8, 9, 28)), list("dropper", 1, 2), list("drop", 1, 3),
  list("scoop", 1, 21), list("capful", 1, 23), list("spray", 1, 19), list("can", 1, 15))
LABEL_UNITS <- unit_table(
  list("count", 1, c(1, 2, 6, 9, 13, 16, 18, 20, 27, 29, 32, 42)), list("volume", 29.5735, 5), list("volume", 1, 10),
  list("volume", 14.7868, c(14, 17)), list("volume", 4.92892, c(19, 34)), list("volume", 236.588, c(25, 37)),
  list("mass", 1, c(33, 38)), list("mass", 28.3495, 21), list("packet", 1, 12), list("dropper", 1, 3),
  list("drop", 1, 4), list("scoop", 1, 24), list("capful", 1, 31), list("spray", 1, 22), list("can", 1, c(30, 43)))

look_up <- function(units, table) table[match(units, table$unit), c("class", "size")]

# One row a product with an id: its label serving, and elemental mg in it (missing without a known amount).
read_products <- function(raw) {
  products <- foreign::read.xport(file.path(raw, "1999", "DSPI.xpt"))[c("DSDSUPID", "DSDPID", "DSDSERVQ", "DSDSERVU")]
  products$DSDSUPID <- trimws(as.character(products$DSDSUPID))
  products <- products[products$DSDSUPID != "", ]
  stopifnot(!anyDuplicated(products$DSDSUPID))
  parts <- foreign::read.xport(file.path(raw, "1999", "DSII.xpt"))[c("DSDPID", "DSDIID", "DSDQTY", "DSDUNIT")]
  parts <- parts[is_code(parts$DSDIID, as.numeric(names(MASS_FRACTION))), ]
  stopifnot(parts$DSDUNIT %in% c(1, 14, 21))
  at <- match(parts$DSDPID, products$DSDPID)
  serving <- look_up(products$DSDSERVU[at], LABEL_UNITS)
  litres <- ifelse(is_code(serving$class, "volume"), products$DSDSERVQ[at] * serving$size / 1000, NA)
  salt <- ifelse(parts$DSDUNIT == 1, parts$DSDQTY, ifelse(parts$DSDUNIT == 14, parts$DSDQTY * litres, NA))
  element <- salt * MASS_FRACTION[as.character(parts$DSDIID)]
  sums <- tapply(element[!is.na(element)], as.character(parts$DSDPID[!is.na(element)]), sum)
  products$mg <- unname(sums[as.character(products$DSDPID)])
  products
}

# ---- use rows ------------------------------------------------------------------------------------------------------

USE_TABLES <- c("DSQFILE2", "DSQ2_B", "DSQ2_C")

times_in_30_days <- function(rows, cycle) {
  if (cycle != 1999) return(without(rows$DSD103, c(7777, 9999)))
  count <- without(rows$DSD100Q, c(77777, 99999))
  count[is_code(rows$DSD100U, 1) & !is.na(count) & count > 12] <- NA
  count * c(30, 30 / 7, 1)[without(rows$DSD100U, c(7, 9))]
}

read_uses <- function(raw, cycle, products) {
  table <- USE_TABLES[match(cycle, CYCLES)]
  rows <- unique(foreign::read.xport(file.path(raw, cycle, paste0(table, ".xpt"))))
  first <- cycle == 1999
  quantity <- without(rows[[if (first) "DSD120Q" else "DSD122Q"]], if (first) c(7777, 9999) else c(777777, 999999))
  unit <- without(rows[[if (first) "DSD120U" else "DSD122U"]], c(77, 99))
  product <- products[match(trimws(as.character(rows$DSDSUPID)), products$DSDSUPID), ]
  user <- look_up(unit, USER_UNITS)
  label <- look_up(product$DSDSERVU, LABEL_UNITS)
  alike <- !is.na(user$class) & !is.na(label$class) & user$class == label$class
  servings <- ifelse(alike, quantity * user$size / (product$DSDSERVQ * label$size), 1)
  servings[is.na(quantity) | is.na(unit)] <- NA
  data.frame(SEQN = rows$SEQN, cycle, kind = ifelse(rows$DSDANTA == 0, "supplement", "antacid"), mg = product$mg,
             times = times_in_30_days(rows, cycle), servings)
}

# What was not reported is the median of what was, among magnesium rows of the cycle and kind.
with_medians <- function(uses) {
  uses$imputed <- !is.na(uses$mg) & (is.na(uses$times) | is.na(uses$servings))
  for (part in split(seq_len(nrow(uses)), uses[c("cycle", "kind")])) {
    holding <- part[!is.na(uses$mg[part])]
    for (what in c("times", "servings")) {
      usual <- median(uses[[what]][holding], na.rm = TRUE)
      uses[[what]][part] <- ifelse(is.na(uses[[what]][part]), usual, uses[[what]][part])
    }
  }
  transform(uses, mg_day = mg * servings * times / 30)
}

add_supplements <- function(people, uses) {
  holding <- uses[!is.na(uses$mg), ]
  asked <- is_code(people$any_supplement, 1:2)
  known <- asked | people$SEQN %in% uses$SEQN
  amount <- function(kind) {
    rows <- holding[holding$kind == kind, ]
    sums <- tapply(rows$mg_day, factor(rows$SEQN, levels = people$SEQN), sum)
    ifelse(known, ifelse(is.na(sums), 0, sums), NA)
  }
  flag <- function(of, rows) ifelse(of, as.numeric(people$SEQN %in% rows$SEQN), NA)
  mg <- amount("supplement")
  antacid <- amount("antacid")
  transform(people, supplement_use_known = known, supplement_use = ifelse(asked, any_supplement == 1, NA) + 0,
            magnesium_supplement_mg = mg, magnesium_antacid_mg = antacid,
            magnesium_supplement_use = flag(known, holding[holding$kind == "supplement", ]),
            magnesium_antacid_use = flag(known, holding[holding$kind == "antacid", ]),
            antacid_use = as.numeric(SEQN %in% uses$SEQN[uses$kind == "antacid"]),
            imputed = flag(known, holding[holding$imputed, ]),
            supplement_above_350 = (mg > UPPER_LEVEL) + 0, supplement_antacid_above_350 = (mg + antacid > UPPER_LEVEL) + 0,
            level_to_100 = (mg > 0 & mg <= 100) + 0, level_to_350 = (mg > 100 & mg <= 350) + 0,
            level_above_350 = (mg > UPPER_LEVEL) + 0, magnesium_food_supplement_mg = magnesium_mg + mg,
            magnesium_total_mg = magnesium_mg + mg + antacid)
}

row_counts <- function(uses) {
  do.call(rbind, lapply(split(uses, uses[c("cycle", "kind")]), function(rows) {
    holding <- rows[!is.na(rows$mg), ]
    data.frame(cycle = rows$cycle[1], kind = rows$kind[1], rows = nrow(rows), with_mg = nrow(holding),
               imputed = sum(holding$imputed), users = length(unique(holding$SEQN)), times = median(holding$times),
               mg_day = sum(holding$mg_day))
  }))
}

# ---- curves and odds ratios ----------------------------------------------------------------------------------------

EXPOSURES <- c("magnesium_food_supplement_mg", "magnesium_total_mg", "magnesium_mg")
GROUPS <- list("use known" = list("supplement_use_known", CYCLES), "use fully reported" = list("imputed == 0", CYCLES),
               "2003-2004" = list("supplement_use_known", 2003))

f_row <- function(label, fit, test, terms) {
  wald <- regTermTest(fit, reformulate(terms), method = "Wald")
  cbind(label, test, statistic = wald$Ftest[1, 1], df_num = wald$df, df = wald$ddf, p_value = wald$p[1, 1])
}

curve_of <- function(people, exposure, group, model) {
  where <- GROUPS[[group]]
  cohort <- in_cohort(people, "strict", where[[2]], where[[1]])
  x <- people[[exposure]]
  knots <- type_7(x[cohort], KNOT_PROBABILITIES[["4"]])
  spline <- spline_columns(x, knots, "x")
  weight <- study_weights(people, "dietary", where[[2]])
  domain <- study_domain(people, weight, "strict", cbind(spline, people[COVARIATES[[model]]]), cohort)
  fit <- fit_domain(domain, "y", c(colnames(spline), COVARIATES[[model]]))
  label <- data.frame(exposure, group, model, n = nrow(domain), cases = sum(fit$y))
  points <- curve_rows("", fit, GRID, knots, type_7(x[cohort], 0.5), "x")[-1]
  list(curves = cbind(label, reference = type_7(x[cohort], 0.5), points),
       tests = rbind(f_row(label, fit, "overall", colnames(spline)), f_row(label, fit, "nonlinear", colnames(spline)[-1])))
}

TERMS <- list("level" = c("level_to_100", "level_to_350", "level_above_350"),
              "magnesium_supplement_use" = "magnesium_supplement_use", "supplement_above_350" = "supplement_above_350",
              "supplement_antacid_above_350" = "supplement_antacid_above_350",
              "magnesium_antacid_use" = "magnesium_antacid_use", "antacid_use" = "antacid_use")

terms_of <- function(people, what, model) {
  tested <- TERMS[[what]]
  covariates <- COVARIATES[[model]]
  domain <- study_domain(people, study_weights(people, "dietary", CYCLES), "strict", people[c(tested, covariates)],
                         in_cohort(people, "strict", CYCLES, ""))
  fit <- fit_domain(domain, "y", c(tested, covariates))
  found <- fit_rows(what, fit)
  label <- data.frame(what, model, n = nrow(domain), cases = sum(fit$y))
  list(fits = cbind(label, found[match(tested, found$term), -1]),
       tests = if (length(tested) > 1) with(label, f_row(data.frame(exposure = what, group = "", model, n, cases), fit,
                                                         "all", tested)))
}

# ---- shares and means ----------------------------------------------------------------------------------------------

SHARES <- c("supplement_use", "magnesium_supplement_use", "magnesium_antacid_use", "antacid_use", "supplement_above_350",
            "supplement_antacid_above_350")
MEANS <- c("magnesium_mg", "magnesium_supplement_mg", "magnesium_antacid_mg", "magnesium_food_supplement_mg",
           "magnesium_total_mg")

amount_row <- function(people, weight, what, inside, name) {
  frame <- data.frame(people[c("psu", "strata")], weight, value = people[[what]])
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~weight, data = frame)
  kept <- subset(design, inside & !is.na(frame$value))
  share <- what %in% SHARES
  count <- if (share) sum(kept$variables$value) else NA
  if (nrow(kept) < FEWEST || (share && count > 0 && count < FEWEST)) return(NULL)
  found <- svymean(~value, kept)
  data.frame(kind = if (share) "share" else "mean", what, domain = name, n = nrow(kept), count,
             estimate = coef(found)[[1]], std_error = SE(found)[[1]], df = degf(kept))
}

amounts_of <- function(people) {
  weight <- study_weights(people, "dietary", CYCLES)
  recalled <- is_code(people$recall_status, 1) & weight > 0
  adult <- recalled & people$age_years >= 20
  user <- is_code(people$magnesium_supplement_use, 1)
  domains <- list(cohort = in_cohort(people, "strict", CYCLES, "") & complete.cases(people[MODEL_1]),
                  "40 and older" = recalled & people$age_years >= 40, "20 and older" = adult, everybody = recalled)
  rows <- list()
  add <- function(...) rows[[length(rows) + 1]] <<- amount_row(people, ...)
  for (name in names(domains)) {
    for (what in c(SHARES, MEANS)) add(weight, what, domains[[name]], name)
    users <- domains[[name]] & user
    for (what in c("supplement_above_350", "magnesium_supplement_mg")) add(weight, what, users, paste0(name, "/users"))
  }
  for (sex in c("male", "female")) {
    mine <- adult & is_code(people$sex, sex)
    add(weight, "magnesium_mg", mine & user, paste0("20 and older/", sex, "/users"))
    add(weight, "magnesium_mg", mine & is_code(people$magnesium_supplement_use, 0), paste0("20 and older/", sex, "/others"))
  }
  for (cycle in CYCLES) {
    here <- people$cycle == cycle
    for (what in SHARES[1:4]) {
      add(ifelse(here, people$interview, 0), what, here & people$age_years >= 20,
          paste0("20 and older/", cycle, "-", cycle + 1))
    }
  }
  do.call(rbind, rows)
}

main_supplements <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript supplements_reference.R RAW_DIR OUT_DIR")
  products <- read_products(arguments[1])
  uses <- with_medians(do.call(rbind, lapply(CYCLES, read_uses, raw = arguments[1], products = products)))
  people <- add_supplements(read_people(arguments[1]), uses)
  asked <- expand.grid(model = c("1", "2"), exposure = EXPOSURES, group = names(GROUPS), stringsAsFactors = FALSE)
  asked <- asked[asked$model == "1" | asked$group != "2003-2004", ]  # one cycle leaves model 2 no degree of freedom
  curves <- Map(function(...) curve_of(people, ...), asked$exposure, asked$group, asked$model)
  asked <- expand.grid(model = c("1", "2"), what = names(TERMS), stringsAsFactors = FALSE)
  terms <- Map(function(...) terms_of(people, ...), asked$what, asked$model)
  bind <- function(results, name) do.call(rbind, lapply(results, `[[`, name))
  write_table(row_counts(uses), arguments[2], "supplements_rows")
  write_table(bind(curves, "curves"), arguments[2], "supplements_curves")
  write_table(rbind(bind(curves, "tests"), bind(terms, "tests")), arguments[2], "supplements_tests")
  write_table(bind(terms, "fits"), arguments[2], "supplements_fits")
  write_table(amounts_of(people), arguments[2], "supplements_amounts")
}

if (sys.nframe() == 0L) main_supplements(commandArgs(TRUE))
