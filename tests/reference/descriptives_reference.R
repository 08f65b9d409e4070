# Means, totals, ratios, proportions, quantiles, two-way tables and a linear model on the small invented sample.
#
#   Rscript descriptives_reference.R DESIGN_INPUT_CSV OUT_DIR
#
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, jsonlite 1.8.4, on 2026-11-23. Input: make_design_input.py.
#
# The domains are those of design_reference.R without their rows of weight zero: these move no estimate, but svychisq
# counts them in the number of people that its X-squared is scaled to (not in its F, whose scale cancels).
#
# What survey 4.1.1 does, where its help pages leave it open
#   svyciprop(method = "logit")   a fit of an intercept, t on degf(design). It stops at glm's own 1e-8; method = "xlogit"
#                                 is the same interval in closed form, and the one written here.
#   svyquantile(qrule = "math", interval.type = "mean")   q is the lowest value at which F >= p; the limits are the same
#                                 quantiles at the limits of svymean(x <= q) +- t SE, NaN where these leave [0, 1]; the
#                                 standard error is the width over 2 t. Below the first person's own share of the weight
#                                 survey:::qs answers with the second value; no such p is asked here.
#   svychisq(statistic = "Chisq") the statistic is Pearson's, and p that of statistic / mean(eigenvalue of Delta): the
#                                 divided one is written here.
#   summary(svyglm)$dispersion    svyvar of the residuals, sum w (e - mean)^2 / sum(w) n / (n - 1)

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))
adjust_as_survey_4_5()  # moves only totals, and the Wald tests that rest on them, of lonely_psu

DOMAINS <- c(full = "everybody", part = "in_part", part_less_psu = "in_part_less_psu",
             part_lone_psu = "in_part_lone_psu", part_less_stratum = "in_part_less_stratum", lonely_psu = "in_part")
PROBABILITIES <- c(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
PAIRS <- list(c("y", "x_group"), c("z_group", "x_group"), c("y", "x_half"))
METHODS <- c(rao_scott_f = "F", rao_scott_chisq = "Chisq", wald = "Wald", adjusted_wald = "adjWald")

options(survey.lonely.psu = "adjust")  # only lonely_psu has a stratum with one PSU
sample_of <- function(id, people) {
  if (id == "lonely_psu") subset(people, !(strata == 1 & psu == 2)) else people
}

with_limits <- function(frame, df) {
  half <- half_width(frame$std_error, df)
  cbind(frame, df, conf_low = frame$estimate - half, conf_high = frame$estimate + half)
}

estimate_rows <- function(id, domain) {
  means <- svymean(~y + z + x, domain)
  totals <- svytotal(~y + z + x, domain)
  ratio <- svyratio(~z, ~x, domain)
  rbind(
    with_limits(data.frame(study_id = id, kind = "mean", variable = names(coef(means)), estimate = unname(coef(means)),
                           std_error = unname(SE(means))), degf(domain)),
    with_limits(data.frame(study_id = id, kind = "total", variable = names(coef(totals)),
                           estimate = unname(coef(totals)), std_error = unname(SE(totals))), degf(domain)),
    with_limits(data.frame(study_id = id, kind = "ratio", variable = "z/x", estimate = ratio$ratio[1, 1],
                           std_error = sqrt(ratio$var[1, 1])), degf(domain))
  )
}

proportion_rows <- function(id, domain) {
  found <- svyciprop(~y, domain, method = "xlogit")
  limits <- unname(confint(found)[1, ])
  settled <- unname(confint(svyciprop(~y, domain, method = "logit"))[1, ])
  stopifnot(all.equal(limits, settled, tolerance = 1e-5))
  data.frame(study_id = id, kind = "proportion", variable = "y", estimate = as.vector(coef(found)),
             std_error = as.vector(SE(found)), df = degf(domain), conf_low = limits[1], conf_high = limits[2])
}

quantile_rows <- function(id, domain) {
  found <- svyquantile(~z + z_heaped + x, domain, PROBABILITIES)
  do.call(rbind, lapply(names(found), function(variable) {
    table <- unname(found[[variable]])
    data.frame(study_id = id, variable, probability = PROBABILITIES, estimate = table[, 1], std_error = table[, 4],
               df = degf(domain), conf_low = table[, 2], conf_high = table[, 3])
  }))
}

by_rows <- function(id, domain) {
  found <- svyby(~z, ~x_group, domain, svymean, covmat = TRUE)
  difference <- svycontrast(found, c(-1, 0, 0, 1))
  covariance <- unname(vcov(found))
  lower <- which(lower.tri(covariance, diag = TRUE), arr.ind = TRUE)
  list(by = data.frame(study_id = id, x_group = c(found$x_group, "4-1"),
                       estimate = c(unname(coef(found)), unname(coef(difference))),
                       std_error = c(unname(SE(found)), unname(SE(difference)))),
       by_vcov = data.frame(study_id = id, row = found$x_group[lower[, 1]], col = found$x_group[lower[, 2]],
                            value = covariance[lower]))
}

table_rows <- function(id, domain, pair) {
  cell <- interaction(domain$variables[[pair[1]]], domain$variables[[pair[2]]], sep = ":")
  indicators <- outer(as.character(cell), levels(cell), "==") + 0
  totals <- svytotal(indicators, domain)
  shares <- svymean(indicators, domain)
  rows <- domain$variables[[pair[1]]]
  of_row <- svyratio(indicators, outer(as.character(rows), sub(":.*", "", levels(cell)), "==") + 0, domain)
  data.frame(study_id = id, pair = paste(pair, collapse = ":"), cell = levels(cell), total = unname(coef(totals)),
             total_std_error = unname(SE(totals)), share = unname(coef(shares)), std_error = unname(SE(shares)),
             row_share = diag(of_row$ratio), row_std_error = sqrt(diag(of_row$var)))
}

table_test_rows <- function(id, domain, pair) {
  formula <- reformulate(pair)
  do.call(rbind, lapply(names(METHODS), function(method) {
    test <- svychisq(formula, domain, statistic = METHODS[[method]])
    statistic <- unname(as.vector(test$statistic))
    parameter <- unname(test$parameter)
    p_value <- unname(as.vector(test$p.value))
    if (method == "rao_scott_chisq") {  # F is X-squared over the sum of the eigenvalues, this is X-squared over their mean
      statistic <- unname(as.vector(svychisq(formula, domain)$statistic)) * parameter
      stopifnot(all.equal(p_value, pchisq(statistic, parameter, lower.tail = FALSE)))
      parameter <- c(parameter, Inf)
    }
    data.frame(study_id = id, pair = paste(pair, collapse = ":"), method, statistic, df_num = parameter[1],
               df_den = if (is.finite(parameter[2])) parameter[2] else NA, p_value)
  }))
}

linear_rows <- function(id, domain) {
  fit <- svyglm(z ~ x + x_squared + y, design = domain)
  list(linear_fits = fit_rows(id, fit), linear_vcov = vcov_rows(id, fit),
       linear_dispersion = data.frame(study_id = id, n = nrow(domain), dispersion = unname(summary(fit)$dispersion[1])))
}

domain_reference <- function(id, people) {
  people <- sample_of(id, people)
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = people)
  domain <- subset(design, people[[DOMAINS[[id]]]] == 1 & people$w > 0)
  by <- by_rows(id, domain)
  c(list(estimates = rbind(estimate_rows(id, domain), proportion_rows(id, domain)),
         quantiles = quantile_rows(id, domain), by = by$by, by_vcov = by$by_vcov,
         tables = do.call(rbind, lapply(PAIRS, table_rows, id = id, domain = domain)),
         table_tests = do.call(rbind, lapply(PAIRS, table_test_rows, id = id, domain = domain))),
    linear_rows(id, domain))
}

main <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript descriptives_reference.R DESIGN_INPUT_CSV OUT_DIR")
  people <- cbind(read.csv(arguments[1]), everybody = 1)
  people <- transform(people, z_heaped = 5 * round(z / 5), x_squared = x^2,
                      x_group = findInterval(x, c(0, 160, 240, 350)), z_group = findInterval(z, c(-Inf, 50, 62)),
                      x_half = findInterval(x, c(0, 240)))
  write_tables(lapply(names(DOMAINS), domain_reference, people = people), arguments[2])
  write_versions(arguments[2], c("survey", "Hmisc", "jsonlite"))
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
