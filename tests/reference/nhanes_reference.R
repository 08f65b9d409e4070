# The project's numbers, a second time and by other hands: R's survey package on the raw NHANES files.
#
#   Rscript nhanes_reference.R RAW_DIR STUDIES_CSV OUT_DIR
#
# RAW_DIR holds <1999|2001|2003>/<TABLE>.xpt, real or synthetic. Nothing of the Python code is used: files are read by
# foreign, and cohort, outcomes, covariates and weights are derived here from the protocol alone.
# Made with R 4.2.2, survey 4.1.1, rms 6.5.0, Hmisc 4.8.0, foreign 0.8.84, jsonlite 1.8.4, on 2026-11-23.
# How the Rao-Scott statistic is scaled, and how its p-value is made, is written out in common.R.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))

CYCLES <- c(1999, 2001, 2003)

# Tables of the three cycles, and what is taken from each: harmonised name = the file's names, whichever it has.
SOURCES <- list(
  list(tables = c("DEMO", "DEMO_B", "DEMO_C"),
       take = list(strata = "SDMVSTRA", psu = "SDMVPSU", mec_2yr = "WTMEC2YR", mec_4yr = "WTMEC4YR",
                   examination = "RIDSTATR", age_years = "RIDAGEYR", sex_code = "RIAGENDR", race_code = "RIDRETH1",
                   education_code = "DMDEDUC2", pir = "INDFMPIR")),
  list(tables = c("LEXPN", "LEXPN_B", "LEXPN_C"), take = list(left = "LEALPN", right = "LEARPN")),
  list(tables = c("DRXTOT", "DRXTOT_B", "DR1TOT_C"),
       take = list(recall_status = c("DRDDRSTS", "DRDDRSTZ", "DR1DRSTZ"), dietary_2yr = "WTDRD1",
                   dietary_4yr = "WTDR4YR", magnesium_mg = c("DRXTMAGN", "DR1TMAGN"),
                   phosphorus_mg = c("DRXTPHOS", "DR1TPHOS"), energy_kcal = c("DRXTKCAL", "DR1TKCAL"))),
  list(tables = c("BMX", "BMX_B", "BMX_C"), take = list(bmi_kg_m2 = "BMXBMI")),
  list(tables = c("SMQ", "SMQ_B", "SMQ_C"), take = list(ever_smoked = "SMQ020", smokes_now = "SMQ040")),
  list(tables = c("ALQ", "ALQ_B", "ALQ_C"),
       take = list(drank_in_life = "ALQ110", often = "ALQ120Q", often_unit = "ALQ120U", drinks = "ALQ130")),
  list(tables = c("DIQ", "DIQ_B", "DIQ_C"),
       take = list(told_diabetes = "DIQ010", insulin = "DIQ050", pills = c("DIQ070", "DID070"))),
  list(tables = c("LAB10", "L10_B", "L10_C"), take = list(hba1c_percent = "LBXGH")),
  list(tables = c("BPQ", "BPQ_B", "BPQ_C"), take = list(told_hypertension = "BPQ020", bp_medicine = "BPQ050A")),
  list(tables = c("BPX", "BPX_B", "BPX_C"), take = list(systolic = "BPXSAR", diastolic = "BPXDAR"))
)
FIRST_TWO_CYCLES_ONLY <- c("mec_4yr", "dietary_4yr")

# ---- reading -------------------------------------------------------------------------------------------------------

read_source <- function(raw, cycle, source) {
  table <- source$tables[match(cycle, CYCLES)]
  frame <- foreign::read.xport(file.path(raw, cycle, paste0(table, ".xpt")))
  stopifnot(!anyDuplicated(frame$SEQN))
  taken <- lapply(names(source$take), function(name) {
    column <- intersect(source$take[[name]], names(frame))
    if (!length(column) && cycle == 2003 && name %in% FIRST_TWO_CYCLES_ONLY) return(rep(NA_real_, nrow(frame)))
    if (length(column) != 1) stop(table, " must hold exactly one of ", toString(source$take[[name]]))
    frame[[column]]
  })
  data.frame(SEQN = frame$SEQN, setNames(taken, names(source$take)))
}

# Every interviewed person keeps a row: those a table does not know are missing in it.
read_cycle <- function(raw, cycle) {
  people <- read_source(raw, cycle, SOURCES[[1]])
  for (source in SOURCES[-1]) {
    part <- read_source(raw, cycle, source)
    people <- cbind(people, part[match(people$SEQN, part$SEQN), -1, drop = FALSE])
  }
  cbind(cycle = cycle, people)
}

# ---- outcomes, covariates, weights ---------------------------------------------------------------------------------

is_code <- function(x, codes) !is.na(x) & x %in% codes
without <- function(x, codes) replace(x, x %in% codes, NA)

# -1 (not enough sites tested) and missing are both "not assessed". In two_sites a foot that was not assessed adds no
# site: a person known by one foot alone needs two sites on it.
add_outcomes <- function(people) {
  left <- without(people$left, -1)
  right <- without(people$right, -1)
  sites <- rowSums(cbind(left, right), na.rm = TRUE)
  assessed <- (!is.na(left)) + (!is.na(right))
  people$lenient <- ifelse(assessed == 0, NA, as.numeric(sites >= 1))
  people$strict <- ifelse(sites >= 1, 1, ifelse(assessed == 2, 0, NA))
  people$both_feet <- ifelse(assessed == 2, people$strict, NA)
  people$two_sites <- ifelse(is.na(people$strict), NA, as.numeric(sites >= 2))
  people
}

# Indicator columns of a grouping, one per non-reference group, missing where no group applies.
indicators <- function(name, groups) {
  member <- do.call(cbind, groups)
  stopifnot(rowSums(member) <= 1)
  columns <- member[, -1, drop = FALSE] + ifelse(rowSums(member) == 1, 0, NA)
  colnames(columns) <- paste(name, names(groups)[-1], sep = "_")
  columns
}

drinking_groups <- function(people) {
  often <- without(people$often, c(777, 999))
  per_year <- c(52, 12, 1)[without(people$often_unit, c(7, 9))]
  drinks_a_day <- often * per_year * without(people$drinks, c(77, 99)) / 365
  never <- is_code(people$drank_in_life, 2)
  former <- !never & is_code(often, 0)
  drinks <- !never & !former & !is.na(drinks_a_day)
  limit <- ifelse(people$sex == "male", 2, 1)
  list(never = never, former = former, moderate = drinks & drinks_a_day <= limit, heavy = drinks & drinks_a_day > limit)
}

at_least <- function(x, limit) !is.na(x) & x >= limit

add_covariates <- function(people) {
  people$sex <- c("male", "female")[people$sex_code]
  diabetic <- is_code(people$told_diabetes, 1) | is_code(people$insulin, 1) | is_code(people$pills, 1) |
    at_least(people$hba1c_percent, 6.5)
  hypertensive <- is_code(people$told_hypertension, 1) | is_code(people$bp_medicine, 1) |
    at_least(people$systolic, 140) | at_least(people$diastolic, 90)
  people$has_diabetes <- ifelse(diabetic, 1, ifelse(is_code(people$told_diabetes, c(2, 3)), 0, NA))
  people$has_hypertension <- ifelse(hypertensive, 1, ifelse(is_code(people$told_hypertension, 2), 0, NA))
  race <- people$race_code
  school <- people$education_code
  smoked <- is_code(people$ever_smoked, 1)
  cbind(
    people,
    sex_female = as.numeric(people$sex == "female"),
    indicators("race_ethnicity", list(non_hispanic_white = is_code(race, 3), mexican_american = is_code(race, 1),
                                      other_hispanic = is_code(race, 2), non_hispanic_black = is_code(race, 4),
                                      other = is_code(race, 5))),
    indicators("education", list(more_than_high_school = is_code(school, 4:5), high_school = is_code(school, 3),
                                 less_than_high_school = is_code(school, 1:2))),
    indicators("smoking", list(never = is_code(people$ever_smoked, 2), former = smoked & is_code(people$smokes_now, 3),
                               current = smoked & is_code(people$smokes_now, 1:2))),
    indicators("alcohol", drinking_groups(people)))
}

MODEL_1 <- c("age_years", "sex_female", paste0("race_ethnicity_", c("mexican_american", "other_hispanic",
                                                                    "non_hispanic_black", "other")))
MODEL_2 <- c(MODEL_1, "education_high_school", "education_less_than_high_school", "pir", "bmi_kg_m2",
             "smoking_former", "smoking_current", "alcohol_former", "alcohol_moderate", "alcohol_heavy",
             "has_diabetes", "has_hypertension")
COVARIATES <- list(crude = character(), "1" = MODEL_1, "2" = MODEL_2, "3" = c(MODEL_2, "energy_kcal"))

read_people <- function(raw) add_covariates(add_outcomes(do.call(rbind, lapply(CYCLES, read_cycle, raw = raw))))

# Three cycles: the 4-year weight x 2/3 and the third's own x 1/3. One cycle: its own. The plan has no rule for two.
study_weights <- function(people, kind, cycles) {
  if (kind == "none") return(rep(1, nrow(people)))
  two_year <- people[[paste0(kind, "_2yr")]]
  four_year <- people[[paste0(kind, "_4yr")]]
  stopifnot(length(cycles) %in% c(1, 3))
  weight <- if (length(cycles) == 1) two_year else ifelse(people$cycle == 2003, two_year / 3, four_year * 2 / 3)
  ifelse(is.na(weight), 0, weight)
}

# ---- one study -----------------------------------------------------------------------------------------------------

KNOT_PROBABILITIES <- list("3" = c(0.10, 0.50, 0.90), "4" = c(0.05, 0.35, 0.65, 0.95),
                           "5" = c(0.05, 0.275, 0.50, 0.725, 0.95))

type_7 <- function(x, probabilities) unname(quantile(x, probabilities, type = 7))

in_cohort <- function(people, outcome, cycles, r_where) {
  selected <- if (r_where == "") TRUE else eval(parse(text = r_where), people)
  people$cycle %in% cycles & is_code(selected, TRUE) & at_least(people$age_years, 40) &
    is_code(people$examination, 2) & !is.na(people[[outcome]]) & is_code(people$recall_status, 1)
}

# "60;100:700:50" -> 60, 100, 150, ..., 700
parse_grid <- function(text) {
  unlist(lapply(strsplit(text, ";")[[1]], function(part) {
    ends <- as.numeric(strsplit(part, ":")[[1]])
    if (length(ends) == 1) ends else seq(ends[1], ends[2], by = ends[3])
  }))
}

# The design is declared on everybody; only then is the domain taken.
study_domain <- function(people, weight, response, columns, cohort) {
  frame <- data.frame(psu = people$psu, strata = people$strata, weight, y = people[[response]], columns)
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~weight, data = frame)
  domain <- subset(design, cohort & complete.cases(frame))
  stopifnot(weights(domain, "sampling") > 0)
  domain
}

# A covariate that does not vary in the domain (sex among women) has no coefficient. Where nobody has the usual reference
# of a factor, its first level present is the reference, as if the factor had been made in the domain.
varying <- function(domain, terms) {
  terms <- Filter(function(term) length(unique(domain$variables[[term]])) > 1, terms)
  for (factor in c("race_ethnicity", "education", "smoking", "alcohol")) {
    levels <- grep(paste0("^", factor, "_"), terms, value = TRUE)
    if (length(levels) > 1 && all(rowSums(domain$variables[levels]) == 1)) terms <- setdiff(terms, levels[1])
  }
  terms
}

quintile_rows <- function(id, people, weight, study, cohort, covariates) {
  x <- people[[study$exposure]]
  cuts <- type_7(x[cohort], c(0.2, 0.4, 0.6, 0.8))
  fifth <- findInterval(x, cuts, left.open = TRUE) + 1
  member <- outer(fifth, 1:5, "==") + 0
  colnames(member) <- paste0("quintile_", 1:5)
  domain <- study_domain(people, weight, study$outcome, cbind(member, people[covariates]), cohort)
  covariates <- varying(domain, covariates)
  n <- colSums(domain$variables[colnames(member)])
  cases <- colSums(domain$variables[colnames(member)] * domain$variables$y)
  do.call(rbind, lapply(c(2, 1), function(reference) {
    fit <- fit_domain(domain, "y", c(colnames(member)[-reference], covariates))
    found <- fit_rows(id, fit)[match(colnames(member), term_names(fit)), ]
    found[reference, c("estimate", "std_error", "conf_low", "conf_high")] <- 0
    data.frame(study_id = id, reference_quintile = reference, quintile = 1:5, lower = c(-Inf, cuts),
               upper = c(cuts, Inf), n, cases, odds_ratio = exp(found$estimate), conf_low = exp(found$conf_low),
               conf_high = exp(found$conf_high), log_or = found$estimate, std_error = found$std_error,
               p_value = found$p_value)
  }))
}

# Knots, reference and quintile cuts come from the study's cohort before anybody is lost to a missing covariate.
study_reference <- function(study, people) {
  id <- study$study_id
  cycles <- as.numeric(strsplit(study$cycles, " ")[[1]])
  cohort <- in_cohort(people, study$outcome, cycles, study$r_where)
  weight <- study_weights(people, study$weights, cycles)
  x <- people[[study$exposure]]
  knots <- type_7(x[cohort], KNOT_PROBABILITIES[[study$knots]])
  reference <- type_7(x[cohort], 0.5)
  covariates <- COVARIATES[[study$model]]
  spline <- spline_columns(x, knots, study$exposure)
  domain <- study_domain(people, weight, study$outcome, cbind(spline, people[covariates]), cohort)
  fit <- fit_domain(domain, "y", c(colnames(spline), varying(domain, covariates)))
  tested <- spline_test_rows(id, fit, colnames(spline))
  list(samples = sample_row(id, domain, fit, reference),
       knots = data.frame(study_id = id, index = seq_along(knots), knot = knots),
       fits = fit_rows(id, fit), vcov = vcov_rows(id, fit), tests = tested$tests, rao_scott_lambda = tested$lambda,
       curve = curve_rows(id, fit, parse_grid(study$grid), knots, reference, study$exposure),
       quintiles = quintile_rows(id, people, weight, study, cohort, covariates))
}

# ---- what does not depend on a study -------------------------------------------------------------------------------

flow_rows <- function(people) {
  aged <- at_least(people$age_years, 40)
  examined <- aged & is_code(people$examination, 2)
  known <- examined & !is.na(people$strict)
  recall <- known & is_code(people$recall_status, 1)
  complete <- recall & complete.cases(people[COVARIATES[["3"]]])
  steps <- list(interviewed = rep(TRUE, nrow(people)), aged_40_or_over = aged, mec_examined = examined,
                neuropathy_status_known = known, reliable_recall = recall, complete_covariates = complete)
  cases <- function(kept) if (all(!is.na(people$strict[kept]))) sum(people$strict[kept]) else NA
  data.frame(step = names(steps), n = sapply(steps, sum), cases = sapply(steps, cases))
}

# Gregg 2004: 1999-2000, 40 and over, at least one assessed foot (lenient), two-year MEC weight. The logit interval is
# svyciprop(method = "logit"), which is this fit of an intercept; svyciprop itself cannot be told to converge further.
prevalence_rows <- function(people) {
  people$weight <- study_weights(people, "mec", 1999)
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~weight, data = people)
  everybody <- people$cycle == 1999 & at_least(people$age_years, 40) & is_code(people$examination, 2) &
    !is.na(people$lenient)
  groups <- list(all = everybody, told_diabetes = everybody & is_code(people$told_diabetes, 1))
  do.call(rbind, lapply(names(groups), function(group) {
    domain <- subset(design, groups[[group]])
    mean_lenient <- svymean(~lenient, domain)
    half <- half_width(SE(mean_lenient)[[1]], degf(domain))
    logit <- fit_rows(group, fit_domain(domain, "lenient", "1"))
    logit_limits <- plogis(c(logit$conf_low, logit$conf_high))
    stopifnot(all.equal(logit_limits, as.vector(attr(svyciprop(~lenient, domain), "ci")), tolerance = 1e-5))
    data.frame(group, n = nrow(domain), cases = sum(domain$variables$lenient), design_df = degf(domain),
               percent = 100 * coef(mean_lenient)[[1]], std_error = 100 * SE(mean_lenient)[[1]],
               conf_low = 100 * (coef(mean_lenient)[[1]] - half), conf_high = 100 * (coef(mean_lenient)[[1]] + half),
               logit_conf_low = 100 * logit_limits[1], logit_conf_high = 100 * logit_limits[2])
  }))
}

BASIS_KNOTS <- list("3" = c(122.715, 243, 442), "4" = c(98, 200, 293, 517.8125),
                    "5" = c(98, 180.04875, 243, 322.65875, 517.8125))

basis_rows <- function(knots) {
  x <- seq(0, 2400, by = 40)
  basis <- unclass(rcspline.eval(x, knots = knots, inclx = TRUE, norm = 2))
  data.frame(k = length(knots), x, column = rep(seq_len(ncol(basis)), each = length(x)), value = as.vector(basis))
}

basis_knot_rows <- function(knots) data.frame(k = length(knots), index = seq_along(knots), knot = knots)

main <- function(arguments) {
  if (length(arguments) != 3) stop("usage: Rscript nhanes_reference.R RAW_DIR STUDIES_CSV OUT_DIR")
  folder <- arguments[3]
  people <- read_people(arguments[1])
  studies <- read.csv(arguments[2], colClasses = "character")
  results <- lapply(split(studies, factor(studies$study_id, studies$study_id)), study_reference, people = people)
  write_tables(results, folder)
  write_table(flow_rows(people), folder, "flow")
  write_table(prevalence_rows(people), folder, "prevalence")
  write_table(do.call(rbind, lapply(BASIS_KNOTS, basis_rows)), folder, "basis")
  write_table(do.call(rbind, lapply(BASIS_KNOTS, basis_knot_rows)), folder, "basis_knots")
  write_versions(folder, c("survey", "rms", "Hmisc", "foreign", "jsonlite"))
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
