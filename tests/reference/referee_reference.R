# What a hostile referee asks, a second time and by other hands.
#
#   Rscript referee_reference.R RAW_DIR OUT_DIR [imputed]
#
# RAW_DIR as for nhanes_reference.R, whose derivations are used and added to; nothing of the Python code is. Writes
# referee_rows: a row an answer, done as in referee.csv, with slopes and levels of the spline at the ends of the range;
# cycle_curves: each cycle by itself, and the test that their curves differ.
# With `imputed`, also referee_imputed: model 2 after mice's chained equations and Rubin's rules, one minute more.
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, foreign 0.8.84, mice 3.15.0.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "nhanes_reference.R"))

SITES <- c("MH1", "HAL", "MH5")
TRIALS <- as.vector(outer(outer(c("L", "R"), SITES, paste0), 1:3, paste0))
SOURCES[[1]]$take <- c(SOURCES[[1]]$take, interview_2yr = "WTINT2YR", interview_4yr = "WTINT4YR")
SOURCES[[2]]$take <- c(SOURCES[[2]]$take, setNames(as.list(paste0("LEX", TRIALS)), paste0("trial_", TRIALS)))
SOURCES[[3]]$take <- c(SOURCES[[3]]$take, list(weekday = c("DRDDAY", "DR1DAY"),
                                               usual_code = c("DRQ300", "DRD300", "DR1_300")))
SOURCES[[4]]$take <- c(SOURCES[[4]]$take, weight_kg = "BMXWT")
FIRST_TWO_CYCLES_ONLY <- c(FIRST_TWO_CYCLES_ONLY, "interview_4yr")

# ---- what the questions need of people -----------------------------------------------------------------------------

any_site_insensate <- function(people) {
  found <- lapply(paste0(rep(c("L", "R"), each = 3), SITES), function(site) {
    trials <- as.matrix(people[paste0("trial_", site, 1:3)])
    sensate <- is_code(trials[, 1], 1) | rowSums(trials == 1, na.rm = TRUE) >= 2
    !sensate & rowSums(trials == 2 | trials == 3, na.rm = TRUE) >= 2
  })
  Reduce(`|`, found)
}

energy_over_basal_rate <- function(people) {
  kg <- people$weight_kg
  old <- people$age_years >= 60
  men <- ifelse(old, 13.5 * kg + 487, 11.6 * kg + 879)
  women <- ifelse(old, 10.5 * kg + 596, 8.7 * kg + 829)
  people$energy_kcal / ifelse(people$sex == "male", men, women)
}

read_referee <- function(raw) {
  people <- read_people(raw)
  people$any_tested <- ifelse(any_site_insensate(people), 1, people$strict)
  people$as_cases <- ifelse(is.na(people$strict), 1, people$strict)
  people$as_free <- ifelse(is.na(people$strict), 0, people$strict)
  people$ratio <- energy_over_basal_rate(people)
  people$usual <- is_code(people$usual_code, 1) & people$cycle == 1999 | is_code(people$usual_code, 2) & people$cycle > 1999
  people$weight <- study_weights(people, "dietary", CYCLES)
  people
}

# ---- one answer ----------------------------------------------------------------------------------------------------

# First derivative of rcspline.eval(x, knots, inclx = TRUE, norm = 2).
spline_slopes <- function(x, knots) {
  k <- length(knots)
  plus <- function(t) 3 * pmax(x - t, 0)^2
  span <- knots[k] - knots[k - 1]
  bent <- sapply(seq_len(k - 2), function(j) {
    plus(knots[j]) - plus(knots[k - 1]) * (knots[k] - knots[j]) / span + plus(knots[k]) * (knots[k - 1] - knots[j]) / span
  })
  cbind(1, matrix(bent, nrow = length(x)) / (knots[k] - knots[1])^2)
}

contrast_rows <- function(fit, rows, columns) {
  beta <- coef(fit)[columns]
  V <- vcov(fit)[columns, columns]
  estimate <- as.vector(rows %*% beta)
  list(estimate = estimate, t = estimate / sqrt(rowSums((rows %*% V) * rows)))
}

referee_row <- function(done, people, cohort, x = people$magnesium_mg, covariates = people[MODEL_1], weight = people$weight,
                        response = "strict", k = "4", knots = NULL, reference = NULL, ends = c(0.05, 0.95)) {
  if (is.null(knots)) knots <- type_7(x[cohort], KNOT_PROBABILITIES[[k]])
  if (is.null(reference)) reference <- type_7(x[cohort], 0.5)
  spline <- spline_columns(x, knots, "x")
  names <- colnames(spline)
  domain <- study_domain(people, weight, response, data.frame(spline, covariates), cohort)
  fit <- fit_domain(domain, "y", c(names, colnames(covariates)))
  df <- fit$df.residual
  slopes <- contrast_rows(fit, spline_slopes(type_7(x[cohort], ends), knots), names)
  range <- spline_columns(type_7(x[cohort], c(0.05, 0.95)), knots, "x")
  middle <- spline_columns(type_7(x[cohort], 0.5), knots, "x")
  heights <- contrast_rows(fit, range - middle[c(1, 1), ], names)
  data.frame(
    done, n = nrow(domain), cases = sum(fit$y), df,
    nonlinear_p = regTermTest(fit, reformulate(names[-1]), method = "Wald")$p[1, 1],
    end_low_p = pt(slopes$t[1], df), end_high_p = pt(slopes$t[2], df, lower.tail = FALSE),
    level_low_p = pt(heights$t[1], df, lower.tail = FALSE), level_high_p = pt(heights$t[2], df, lower.tail = FALSE),
    log_or_low = heights$estimate[1], log_or_high = heights$estimate[2],
    under_reporter = if ("under_reporter" %in% names(coef(fit))) coef(fit)[["under_reporter"]] else NA)
}

# ---- selection -----------------------------------------------------------------------------------------------------

selection_weights <- function(people, kept, among, weight) {
  age <- people$age_years
  knots <- type_7(age[at_least(age, 40)], KNOT_PROBABILITIES[["4"]])
  known <- data.frame(
    kept = kept, spline_columns(age, knots, "age"), people[MODEL_1[-1]], later = people$cycle == 2001,
    last = people$cycle == 2003, high = is_code(people$education_code, 3), less = is_code(people$education_code, 1:2),
    income = ifelse(is.na(people$pir), 0, people$pir), no_income = is.na(people$pir))
  w <- weight[among] / mean(weight[among])
  fit <- glm(kept ~ ., data = known[among, ], family = quasibinomial(), weights = w, control = CONVERGED)
  share <- rep(NA_real_, nrow(people))
  share[among] <- fitted(fit)
  ifelse(kept & among, weight / pmax(share, 0.05), 0)
}

LACKED <- list(education = c("education_high_school", "education_less_than_high_school"), pir = "pir",
               bmi = "bmi_kg_m2", smoking = c("smoking_former", "smoking_current"),
               alcohol = c("alcohol_former", "alcohol_moderate", "alcohol_heavy"), diabetes = "has_diabetes",
               hypertension = "has_hypertension")

with_indicators <- function(people, cohort) {
  columns <- people[MODEL_2]
  for (name in names(LACKED)) {
    gap <- is.na(people[[LACKED[[name]][1]]])
    columns[gap, LACKED[[name]]] <- 0
    if (any(gap & cohort)) columns[[paste0("no_", name)]] <- as.numeric(gap)
  }
  columns
}

# ---- every question ------------------------------------------------------------------------------------------------

# The fewest digits, up to three, with which the knots stay apart and each within a twentieth of itself.
round_knots <- function(knots) {
  for (digits in 1:3) {
    near <- signif(knots, digits)
    if (all(abs(near - knots) <= 0.05 * knots) && all(diff(near) > 0)) return(near)
  }
  knots
}

question_rows <- function(people) {
  cohort <- in_cohort(people, "strict", CYCLES, "")
  x <- people$magnesium_mg
  known <- cohort & !is.na(people$ratio)
  plausible <- known & people$ratio >= 0.87 & people$ratio <= 2.75
  knots <- type_7(x[cohort], KNOT_PROBABILITIES[["4"]])
  middle <- type_7(x[cohort], 0.5)
  extremes <- type_7(x[cohort], c(0.01, 0.99))
  inside <- x >= extremes[1] & x <= extremes[2]
  beside <- data.frame(people[MODEL_1], under_reporter = as.numeric(people$ratio < 0.87))
  ratio_spline <- spline_columns(people$ratio, type_7(people$ratio[known], KNOT_PROBABILITIES[["4"]]), "ratio")
  weekend <- people$weekday %in% c(1, 6, 7)
  eligible <- at_least(people$age_years, 40)
  examined <- eligible & is_code(people$examination, 2)
  own <- ifelse(is.na(people$dietary_2yr), 0, people$dietary_2yr) / 3
  trimmed <- pmin(people$weight, type_7(people$weight[cohort], 0.99))
  row <- function(done, rows = cohort, ...) referee_row(done, people, rows, ...)
  cycles <- cbind(people[MODEL_1], later = people$cycle == 2001, last = people$cycle == 2003) + 0
  rbind(
    row("primary"),
    row("end slopes at P10 and P90", ends = c(0.10, 0.90)),
    row("end slopes at P15 and P85", ends = c(0.15, 0.85)),
    row("end slopes at P20 and P80", ends = c(0.20, 0.80)),
    row("weight known", known),
    row("EI:BMR 0.87 to 2.75, own knots", plausible),
    row("EI:BMR 0.87 to 2.75, primary knots", plausible, knots = knots, reference = middle),
    row("EI:BMR 0.88 to 2.72, own knots", known & people$ratio >= 0.88 & people$ratio <= 2.72),
    row("EI:BMR 1.1 to 2.4, own knots", known & people$ratio >= 1.1 & people$ratio <= 2.4),
    row("under-reporter (below 0.87) as covariate", known, covariates = beside),
    row("EI:BMR beside it as a spline of 4 knots", known, covariates = data.frame(people[MODEL_1], ratio_spline)),
    row("logarithm, 4 knots", x = log(pmax(x, 1))),
    row("logarithm, 3 knots", x = log(pmax(x, 1)), k = "3"),
    row("square root", x = sqrt(x)),
    row("winsorised at P1 and P99", x = pmin(pmax(x, extremes[1]), extremes[2])),
    row("without the lowest and highest 1 %", cohort & inside),
    row(paste("knots at", paste(round_knots(knots), collapse = ", "), "mg"), knots = round_knots(knots)),
    row("model 2, complete cases", covariates = people[MODEL_2]),
    row("model 2, missing indicators", covariates = with_indicators(people, cohort)),
    row("weighted for being assessed with a recall, among the examined",
        weight = selection_weights(people, cohort, examined, study_weights(people, "mec", CYCLES))),
    row("weighted for being assessed with a recall, among the interviewed",
        weight = selection_weights(people, cohort, eligible, study_weights(people, "interview", CYCLES))),
    row("all unassessed as cases", in_cohort(people, "as_cases", CYCLES, ""), response = "as_cases"),
    row("all unassessed as free", in_cohort(people, "as_free", CYCLES, ""), response = "as_free"),
    row("outcome rule any_tested", in_cohort(people, "any_tested", CYCLES, ""), response = "any_tested"),
    row("cycle indicators", covariates = cycles),
    row("body weight", known, covariates = people[c(MODEL_1, "weight_kg")]),
    row("2-year weights in every cycle", weight = own),
    row("weights trimmed at P99", weight = trimmed),
    row("recall day said to be usual (post hoc)", cohort & people$usual),
    row("recall of Monday to Thursday", cohort & people$weekday %in% 2:5),
    row("recall of Friday to Sunday", cohort & weekend),
    row("men", cohort & people$sex == "male", covariates = people[setdiff(MODEL_1, "sex_female")]),
    row("women", cohort & people$sex == "female", covariates = people[setdiff(MODEL_1, "sex_female")]))
}

# ---- the cycles ----------------------------------------------------------------------------------------------------

# Each cycle by itself, with its own weights, on the knots and reference of all; and all in one model, where products of
# the spline with two of the cycles, beside their levels, say whether the curves differ.
cycle_rows <- function(people) {
  cohort <- in_cohort(people, "strict", CYCLES, "")
  x <- people$magnesium_mg
  knots <- type_7(x[cohort], KNOT_PROBABILITIES[["4"]])
  each <- lapply(CYCLES, function(cycle) {
    referee_row(cycle, people, cohort & people$cycle == cycle, knots = knots, reference = type_7(x[cohort], 0.5),
                weight = study_weights(people, "dietary", cycle))
  })
  spline <- spline_columns(x, knots, "x")
  levels <- cbind(later = people$cycle == 2001, last = people$cycle == 2003) + 0
  products <- cbind(spline * levels[, "later"], spline * levels[, "last"])
  colnames(products) <- as.vector(outer(colnames(spline), colnames(levels), paste, sep = "_in_"))
  columns <- data.frame(spline, levels, products, people[MODEL_1])
  domain <- study_domain(people, people$weight, "strict", columns, cohort)
  fit <- fit_domain(domain, "y", colnames(columns))
  p <- regTermTest(fit, reformulate(colnames(products)), method = "Wald")$p[1, 1]
  rbind(do.call(rbind, each)[c("done", "n", "cases", "df", "nonlinear_p")],
        data.frame(done = "curves differ", n = nrow(domain), cases = sum(fit$y), df = fit$df.residual, nonlinear_p = p))
}

# ---- imputation ----------------------------------------------------------------------------------------------------

IMPUTATIONS <- 10

# Categories as factors, by polytomous and logistic regression; numbers by predictive mean matching: mice's defaults.
# Strata are left out of the predictors: polytomous regressions on 43 indicators would take many minutes.
completed <- function(people, cohort, spline) {
  category <- function(columns, levels) {
    member <- as.matrix(people[cohort, columns])
    factor(ifelse(is.na(member[, 1]), NA, levels[1 + as.vector(member %*% seq_along(columns))]), levels)
  }
  frame <- data.frame(
    people[cohort, c("pir", "bmi_kg_m2")], education = category(LACKED$education, c("more", "high", "less")),
    smoking = category(LACKED$smoking, c("never", "former", "current")),
    alcohol = category(LACKED$alcohol, c("never", "former", "moderate", "heavy")),
    diabetes = factor(people$has_diabetes[cohort]), hypertension = factor(people$has_hypertension[cohort]),
    scale(spline[cohort, ]), y = people$strict[cohort], people[cohort, MODEL_1], energy = people$energy_kcal[cohort] / 1000,
    log_weight = log(people$weight[cohort]), second_psu = people$psu[cohort] == 2)
  mice::mice(frame, m = IMPUTATIONS, maxit = 3, seed = 1, printFlag = FALSE)
}

imputed_rows <- function(people) {
  cohort <- in_cohort(people, "strict", CYCLES, "")
  x <- people$magnesium_mg
  spline <- spline_columns(x, type_7(x[cohort], KNOT_PROBABILITIES[["4"]]), "x")
  chains <- completed(people, cohort, spline)
  fits <- lapply(seq_len(IMPUTATIONS), function(m) {
    done <- mice::complete(chains, m)
    filled <- people
    put <- function(columns, groups) for (j in seq_along(columns)) filled[cohort, columns[j]] <<- as.numeric(groups == levels(groups)[j + 1])
    filled[cohort, c("pir", "bmi_kg_m2")] <- done[c("pir", "bmi_kg_m2")]
    for (name in c("education", "smoking", "alcohol", "diabetes", "hypertension")) put(LACKED[[name]], done[[name]])
    domain <- study_domain(filled, people$weight, "strict", data.frame(spline, filled[MODEL_2]), cohort)
    fit_domain(domain, "y", c(colnames(spline), MODEL_2))
  })
  estimates <- sapply(fits, coef)
  within <- rowMeans(sapply(fits, function(fit) diag(vcov(fit))))
  between <- apply(estimates, 1, var)
  data.frame(term = term_names(fits[[1]]), m = IMPUTATIONS, estimate = rowMeans(estimates), within, between,
             variance = within + (1 + 1 / IMPUTATIONS) * between)
}

main_referee <- function(arguments) {
  if (!length(arguments) %in% 2:3) stop("usage: Rscript referee_reference.R RAW_DIR OUT_DIR [imputed]")
  people <- read_referee(arguments[1])
  rows <- question_rows(people)
  rows$done <- paste0('"', rows$done, '"')  # some hold commas
  write_table(rows, arguments[2], "referee_rows")
  write_table(cycle_rows(people), arguments[2], "cycle_curves")
  if (identical(arguments[3], "imputed")) write_table(imputed_rows(people), arguments[2], "referee_imputed")
}

if (sys.nframe() == 0L) main_referee(commandArgs(TRUE))
